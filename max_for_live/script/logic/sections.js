// Live's locators as the sections of a piece, for /inspire/arrange. Pure. Beats are Live's: quarter notes, whatever the signature.
var Sections = (function () {
    var SLACK = 0.02; // beats: Live's own rounding

    // "Drop = dark, drums" has a name and words of its own. What divides sections in the daemon's text is left out.
    function nameAndWords(text, number) {
        var found = /^([^=:]*)[=:](.*)$/.exec(text), name = found ? found[1] : text, words = found ? found[2] : "";
        name = name.replace(/[|;=:\s]+/g, " ").replace(/^ | $/g, "");
        return { name: name || "part " + number, words: words.replace(/[|;\r\n]+/g, ",").replace(/^\s+|\s+$/g, "") };
    }

    // From locator to locator; one that is called End, or the loop brace's end, ends the last, or it has `bars` bars.
    function spans(locators, brace, quarters, bars) {
        var found = [], on = brace && brace.on, i, from, to;
        for (i = 0; i < locators.length; i++) {
            if (/^=?end$/i.test(locators[i].name)) {
                break;
            }
            from = locators[i].beat;
            to = i + 1 < locators.length ? locators[i + 1].beat : on ? brace.start + brace.length : from + bars * quarters;
            if (on) {
                from = Math.max(from, brace.start);
                to = Math.min(to, brace.start + brace.length);
            }
            if (to > from + SLACK) {
                found.push({ name: locators[i].name, from: from, to: to });
            }
        }
        return found;
    }

    // Only what comes after a clip's end, where that lies in the piece.
    function after(sections, beat) {
        var left = [], i;
        for (i = 0; i < sections.length; i++) {
            if (sections[i].to > beat + SLACK) {
                left.push({ name: sections[i].name, from: sections[i].from < beat - SLACK ? beat : sections[i].from, to: sections[i].to });
            }
        }
        return left;
    }

    // `locators`: [{ name, beat }] in order; `bars`: of the last one where nothing ends it; `end`: the beat where the chosen clip of the
    // arrangement ends, or nothing.
    // → { text, names: ["Intro 4", …], bars, beat, goes_on, all_say_it } or { problem }.
    function plan(locators, brace, quarters, bars, end) {
        var sections = spans(locators, brace, quarters, bars), goes_on, parts = [], names = [], total = 0, all = true, i, one, count;
        if (!sections.length) {
            return { problem: "set locators: each becomes a section" };
        }
        goes_on = end !== undefined && end > sections[0].from - SLACK && end < sections[sections.length - 1].to - SLACK;
        sections = goes_on ? after(sections, end) : sections;
        for (i = 0; i < sections.length; i++) {
            one = nameAndWords(sections[i].name, i + 1);
            count = (sections[i].to - sections[i].from) / quarters;
            if (Math.abs(count - Math.round(count)) * quarters > SLACK || Math.round(count) < 1) {
                return { problem: Words.cut(one.name, 20) + " does not last whole bars" };
            }
            count = Math.round(count);
            total += count;
            all = all && one.words !== "";
            parts.push(one.name + ":" + count + (one.words ? "=" + one.words : ""));
            names.push(one.name + " " + count);
        }
        return { text: parts.join(" | ") + " |", names: names, bars: total, beat: sections[0].from, goes_on: goes_on, all_say_it: all };
    }

    return { plan: plan };
})();
