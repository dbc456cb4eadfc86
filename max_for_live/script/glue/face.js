// What is shown. Runs inside one function with device.js, see build.py. Only what has changed is sent: each message redraws a box, and every different text stays in Max's memory.
var drawn_menus = "", drawn_results = "";

function show(name, values) {
    var key = name + " " + (values.length > 1 ? values[0] : ""), text = JSON.stringify(values);
    if (shown[key] !== text) {
        shown[key] = text;
        outlet(2, [name].concat(values));
    }
}

function draw() {
    var now, status, plan = null, bars = Requests.BARS[settings.bars];
    if (!session || !set) {
        return;
    }
    now = recording ? { state: "recording" } : session.now();
    if (notice && session.io.now() > notice.until) {
        notice = null;
    }
    status = notice && !recording && !session.busy() ? notice : Words.status(now);
    show("status", ["set", Words.cut(status.text, 48)]);
    colour("bgcolor", MOODS[status.mood]);
    colour("textcolor", status.mood === "idle" || status.mood === "ready" ? "live_control_fg" : "live_control_fg_on");
    show("host", ["set", Words.host(set, settings.key === 1 ? Music.key(set.root_note, set.scale_name, set.scale_mode) : "")]);
    if (settings.mode === Requests.ARRANGE) {
        plan = Requests.sections(settings, set, source);
        bars = plan.bars;
    }
    show("go", ["text", Words.go(settings.mode, bars)]);
    show("go", ["active", session.busy() || session.link !== "here" ? 0 : 1]);
    show("stop", ["active", session.busy() ? 1 : 0]);
    show("record", ["text", recording ? "Stop, then continue it" : "Record input, then continue it"]);
    show("listen", ["text", listening ? "Stop" : "Listen"]);
    drawBelow(plan);
    drawMenus();
    grow();
}

function colour(attribute, name) {
    if (colours[name]) {
        show("status", [attribute].concat(colours[name]));
    }
}

function drawBelow(plan) {
    var has = result ? 1 : 0, names = ["again", "listen", "place", "place_all", "favourite"], i, metre, target;
    for (i = 0; i < names.length; i++) {
        show(names[i], ["active", has]);
    }
    show("favourite", ["set", result && result.kept ? 1 : 0]);
    show("take", ["set", take]);
    show("grid", ["set", noSound() || whole() || (result ? Words.cut(Words.grid(result), 60) : " ")]);
    metre = Music.metre(set.tempo, set.numerator, set.denominator);
    show("source", ["set", plan ? Words.sections(plan, source && source.name) : !source ? "no source: select an audio clip" : source.problem ? source.problem
        : Words.source(source, Words.wholeBars(source.end_s - source.start_s, metre.quarters_per_bar * 60 / source.bpm))]);
    target = session.job ? session.job.target : result && result.target;
    if (plan && !plan.problem && !session.job) {
        target = { kind: "arrangement", beat: plan.beat };
    }
    drawRuler(plan, target && target.kind === "arrangement" ? Math.floor(Music.barAt(target.beat, metre.quarters_per_bar) + 1e-6) : 1);
}

// Why it was not made, where the banner has no room for all of it.
function whole() {
    var job = session.job;
    return job && job.state === "failed" && job.message.length > 36 ? Words.cut(job.message, 60) : "";
}

// Why nothing is played while it is made, where that is so.
function noSound() {
    var output = session.daemon.audio_device;
    return settings.hear && session.busy() && output && /none|cannot|busy|not /i.test(output) ? Words.cut("not heard: " + output, 62) : "";
}

// Over what is made; before that over what Arrange would make.
function drawRuler(plan, first) {
    var asked = session.job ? session.job.asked : result && result.asked, bars, labels, i;
    bars = (plan && !session.job && plan.bars) || (asked && asked.bars) || Requests.BARS[settings.bars];
    labels = Music.ruler(first, bars, 8);
    for (i = 0; i < labels.length; i++) {
        show("ruler" + (i + 1), ["set", labels[i] || " "]);
    }
}

function drawSource() {
    if (!source || source.problem) {
        return;
    }
    if (drawn_source !== source.path) {
        drawn_source = source.path;
        outlet(2, ["source_sound", "replace", Music.maxPath(source.path)]);
    }
    show("source_wave", ["grid", Math.round(1000 * 60 / source.bpm * set.numerator * 4 / set.denominator)]);
    drawRegion();
}

function drawRegion() {
    if (source && !source.problem) {
        outlet(2, ["region_start", Math.round(source.start_s * 1000)]);
        outlet(2, ["region_end", Math.round(source.end_s * 1000)]);
    }
}

function drawResult() {
    var bar_s = result.asked ? result.asked.bar_s : 0, facts = Live.facts(result.paths[take] || result.paths[0]), name;
    facts.bpm = facts.bpm_measured || facts.bpm;
    for (name in { bpm: 1, key: 1, join_click_db: 1, downbeat_ms: 1, seed: 1 }) {
        if (facts[name] !== undefined) {
            result[name] = facts[name];
        }
    }
    outlet(2, ["result_sound", "replace", Music.maxPath(result.paths[take] || result.paths[0])]);
    if (bar_s) {
        show("result_wave", ["grid", Math.round(bar_s * 1000)]);
    }
}

// The file that is being written, read again about once a second.
function grow() {
    var job = session.job, now = session.io.now();
    if (job && !job.ended_at && job.path && now - grown_at > GROWTH_MS) {
        grown_at = now;
        show("result_wave", ["grid", Math.round(job.asked.bar_s * 1000)]);
        outlet(2, ["result_sound", "read", Music.maxPath(job.path)]);
    }
}

function fill(name, items, chosen) {
    var i;
    outlet(2, [name, "clear"]);
    for (i = 0; i < items.length; i++) {
        outlet(2, [name, "append", items[i]]);
    }
    outlet(2, [name, "setsymbol", chosen]);
}

function drawMenus() {
    var banks = ["all banks"], names = ["no preset"], models = ["usual model"], results = [], key, i, one;
    for (i = 0; i < session.presets.length; i++) {
        one = session.presets[i];
        if (!one || session.presets.length !== one.count) {
            return; // they come one by one
        }
        if (banks.indexOf(one.bank) < 0) {
            banks.push(one.bank);
        }
        if (!settings.bank || settings.bank === one.bank || settings.preset === one.name) {
            names.push(one.name);
        }
    }
    for (i = 0; i < session.models.length; i++) {
        if (session.models[i]) {
            models.push(session.models[i].name);
        }
    }
    key = banks.length + " " + names.join() + models.join() + settings.bank + settings.preset + settings.model;
    if (session.presets.length && key !== drawn_menus) {
        drawn_menus = key;
        fill("bank", banks, settings.bank || "all banks");
        fill("preset", names, settings.preset || "no preset");
        fill("model", models, settings.model || "usual model");
    }
    for (i = 0; i < session.results.length; i++) {
        results.push(Words.result(session.results[i]));
    }
    key = results.join("|") + "|" + (result ? result.id : "");
    if (results.length && key !== drawn_results) {
        drawn_results = key;
        outlet(2, ["results", "clear"]);
        for (i = 0; i < results.length; i++) {
            outlet(2, ["results", "append", results[i]]);
        }
        outlet(2, ["results", "set", Math.max(0, session.results.indexOf(result))]);
    }
}
