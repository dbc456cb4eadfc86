// From what is on the device to the command that asks for it. Pure.
// `settings`: mode, bars, takes, drums, key, guidance, seed, lock, dice (another seed each time), hear, prompt, preset, model. `set`: what Live says of itself.
var Requests = (function () {
    var BARS = [1, 2, 4, 8, 16];
    var GENERATE = 0, CONTINUE = 1, FILL = 2, ARRANGE = 3;
    var SAME_TEMPO = 0.005; // as a share: closer than that a file is taken to be in the set's tempo

    // The words to send: with what is asked of drums, unless they speak of drums themselves. "" where there are none.
    function prompt(settings, preset) {
        var words = settings.prompt.replace(/^\s+|\s+$/g, ""), drums = ["", "drums", "no drums"][settings.drums];
        if (drums && !/\bdrum/i.test(words)) {
            if (!words && preset && !preset.shortened) {
                words = preset.prompt || "";
                if (/\bdrum/i.test(words)) {
                    words = words.replace(/(,\s*)?\bdrums\b/i, "");
                }
            }
            words = words ? words + ", " + drums : drums;
        }
        return words;
    }

    // → { name, values, asked: { bars, bar_s, bpm, total_s, prompt } } or { problem }.
    // `source` as Music.source makes it; `preset` as the daemon sent it, or nothing; `target` as Placing.target makes it;
    // `daemon`: its state as last reported.
    function build(settings, set, source, preset, target, daemon) {
        var metre = Music.metre(set.tempo, set.numerator, set.denominator), bars = BARS[settings.bars], values = {}, words, name;
        words = prompt(settings, preset);
        if (!Osc.knows(["generate", "continue", "fill", "arrange"][settings.mode])) {
            return { problem: "this device was built for a daemon that cannot do it" };
        }
        if (settings.mode === ARRANGE) {
            return arrange(settings, set, source, preset, words, metre, daemon);
        }
        if (settings.mode !== GENERATE && (!source || source.problem)) {
            return { problem: source ? source.problem : "select an audio clip to " + (settings.mode === FILL ? "fill" : "continue") };
        }
        if (settings.mode === GENERATE && !words && !settings.preset) {
            return { problem: "write what to play, or choose a preset" };
        }
        tempo(values, metre, bars, source, settings.mode);
        common(values, settings, set, daemon);
        if (target && target.kind === "arrangement") {
            values.section = section(set.locators || [], target.beat);
        }
        name = ["generate", "continue", "fill"][settings.mode];
        if (settings.mode === GENERATE) {
            values.prompt = words || " "; // Max may drop an empty text; the daemon takes a blank one for none
        } else {
            values.clip = source.path;
            if (words) {
                values.prompt = words;
            }
        }
        if (settings.mode === CONTINUE) {
            goOn(values, source);
        }
        if (settings.mode === FILL) {
            values.start_s = source.start_s;
            values.end_s = source.end_s;
            delete values.bars;
            delete values.duration_s;
        }
        return { name: name, values: name === "fill" ? Osc.having(name, values) : values, asked: asked(values, metre, words, source, settings, preset) };
    }

    // From where in a clip it goes on, and how much of it the model reads.
    function goOn(values, source) {
        values.from_s = source.whole ? undefined : source.end_s; // to its end, which only the file knows to the sample
        values.context_s = Music.contextSeconds(source);
        values.join = "new";
    }

    // What Arrange would make now: see Sections.plan.
    function sections(settings, set, source) {
        var end = source && !source.problem && source.place ? source.place.beat : undefined;
        return Sections.plan(set.locators || [], set.brace, set.numerator * 4 / set.denominator, BARS[settings.bars], end);
    }

    // A whole piece from the locators, on from the chosen clip where that ends in it.
    function arrange(settings, set, source, preset, words, metre, daemon) {
        var plan = sections(settings, set, source), values = {}, made;
        if (plan.problem) {
            return plan;
        }
        if (!words && !settings.preset && !plan.goes_on && !plan.all_say_it) {
            return { problem: "write what to play, or choose a preset" };
        }
        if (!metre.fits) {
            return { problem: "Arrange needs 20 to 400 bpm, and bars of 16 beats at most" };
        }
        tempo(values, metre, plan.bars, plan.goes_on ? source : null, plan.goes_on ? CONTINUE : GENERATE);
        common(values, settings, set, daemon);
        made = asked(values, metre, words, source, settings, preset);
        delete values.bars; // its sections'
        values.sections = plan.text;
        if (words) {
            values.prompt = words;
        }
        if (plan.goes_on) {
            values.clip = source.path;
            goOn(values, source);
        }
        return { name: "arrange", values: values, asked: made };
    }

    // The part of the piece that a beat lies in: the last locator at or before it that is named as the daemon names sections.
    function section(locators, beat) {
        var known = TABLE.commands.generate.keys.section[4], found, i, name;
        for (i = 0; i < locators.length && locators[i].beat <= beat + 1e-3; i++) {
            name = locators[i].name.toLowerCase().replace(/[^a-z]/g, "");
            if (known.indexOf(name) >= 0) {
                found = name;
            }
        }
        return found;
    }

    function tempo(values, metre, bars, source, mode) {
        var own = source && mode !== GENERATE && Math.abs(source.bpm / metre.bpm - 1) > SAME_TEMPO;
        if (!metre.fits) {
            values.duration_s = bars * metre.bar_s;
            return;
        }
        // A clip that Live stretches is read by the model as it is in its file: what follows must have that tempo too.
        values.bpm = own ? source.bpm : metre.bpm;
        values.beats_per_bar = metre.beats_per_bar;
        if (metre.beat_unit !== 4) {
            values.beat_unit = metre.beat_unit;
        }
        values.bars = bars;
    }

    function common(values, settings, set, daemon) {
        var key = settings.key === 1 ? Music.key(set.root_note, set.scale_name, set.scale_mode) : "";
        if (key) {
            values.key = key;
        }
        values.variations = settings.takes + 1;
        if (settings.guidance >= 0.05) {
            values.guidance = settings.guidance;
        }
        values.seed = settings.lock ? settings.seed : settings.dice; // always said, so that it can be locked afterwards
        if (settings.preset) {
            values.preset = settings.preset;
        }
        if (settings.model) {
            values.model = settings.model;
        }
        values.play = settings.hear ? 1 : 0;
        if (values.play && set.is_playing && (Osc.knows("transport") || (daemon && daemon.transport === "playing"))) {
            values.start = "bar";
        }
    }

    function asked(values, metre, words, source, settings, preset) {
        var bpm = values.bpm || metre.bpm, bar_s = metre.quarters_per_bar * 60 / bpm, bars = values.bars;
        if (settings.mode === FILL) {
            bars = Math.round((source.end_s - source.start_s) / bar_s * 100) / 100;
        }
        return {
            bars: bars,
            bar_s: bar_s,
            bpm: bpm,
            quarters_per_bar: metre.quarters_per_bar,
            total_s: settings.mode === FILL ? source.end_s - source.start_s : bars ? bars * bar_s : values.duration_s,
            follows_set: Math.abs(bar_s / metre.bar_s - 1) <= SAME_TEMPO,
            prompt: words || (preset && preset.name) || settings.preset || (source && source.name) || "",
            takes: values.variations
        };
    }

    // What the daemon is sent of Live's transport. A signature that the daemon does not take, such as 20/4, is left out.
    function transport(set) {
        var reported = { bpm: set.tempo, position_beats: set.beat, playing: set.is_playing ? 1 : 0 };
        var whole_notes = set.denominator === 1, beats = whole_notes ? 4 * set.numerator : set.numerator;
        if (beats <= 16 && set.numerator * 4 / set.denominator <= 16) {
            reported.beats_per_bar = beats;
            reported.beat_unit = whole_notes ? 4 : set.denominator;
        }
        if (set.brace && set.brace.on) {
            reported.loop_start_beats = set.brace.start;
            reported.loop_end_beats = set.brace.start + set.brace.length;
        }
        return reported;
    }

    return { BARS: BARS, GENERATE: GENERATE, CONTINUE: CONTINUE, FILL: FILL, ARRANGE: ARRANGE, prompt: prompt, sections: sections, build: build, transport: transport };
})();
