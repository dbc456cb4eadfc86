// The device's state, how it begins and how it keeps up with Live. Runs inside one function with the other files of this folder, see
// build.py: Max calls a global function whenever a message of its name comes, and these are named as the controls are.
var TICK_MS = 500, GROWTH_MS = 1000, NOTICE_MS = 8000, LOADING_MS = 1000;
var settings = {
    mode: 0, bars: 2, takes: 0, drums: 0, key: 1, guidance: 0, seed: 0, lock: 0, hear: 1, gain: 0, where: 0, auto_place: 1, port: 7770,
    prompt: "", bank: "", preset: "", model: ""
};
var session = null, clock = null, observers = [], shown = {}, colours = {};
var set = null, source = null, source_clip = 0, drawn_source = "", result = null, take = 0, listening = false;
var recording = null, notice = null, grown_at = 0, started_at = 0, ticks = 0, estimated = "", looked_back = false;
var MOODS = { idle: "live_control_bg", ready: "live_control_bg", busy: "live_control_selection", good: "live_value_arc", bad: "live_alert" };

// From inlet 0: what a control says; from inlet 1: what the daemon says.
function receive(from, name, list) {
    if (from === 1) {
        if (session) {
            session.receive(name, list);
        }
    } else if (Controls.hasOwnProperty(name)) {
        Controls[name](list);
    } else {
        post("inspire: no control is called " + name + "\n");
    }
}

function end() {
    if (clock) {
        clock.cancel();
    }
    Live.stop();
}

function start() {
    if (session) {
        return;
    }
    session = new Session({
        send: function (message) {
            outlet(0, message);
        },
        listen: function (port) {
            outlet(1, ["port", port]);
        },
        now: function () {
            return new Date().getTime();
        },
        random: Math.random,
        changed: draw,
        arrived: arrived,
        note: function (text) {
            post("inspire: " + text + "\n");
        }
    }, settings.port);
    started_at = session.io.now();
    observers = [Live.observe("live_set", "is_playing", tellTransport), Live.observe("live_set", "tempo", tellTransport), Live.observe("live_set view", "detail_clip", soon)];
    outlet(2, ["prompt", "bang"]); // a set that is opened does not say it by itself
    askColours();
    session.start(settings.port);
    clock = new Task(tick);
    clock.interval = TICK_MS;
    clock.repeat(-1);
    refresh();
}

function askColours() {
    var wanted = ["live_control_bg", "live_control_selection", "live_value_arc", "live_alert", "live_control_fg", "live_control_fg_on"], i;
    for (i = 0; i < wanted.length; i++) {
        outlet(2, ["colours", wanted[i]]);
    }
}

function tick() {
    session.tick();
    if (++ticks % 2 === 0) {
        refresh();
    }
}

// Inside an observer's call nothing may be written, so what follows from it happens a moment later.
function soon() {
    if (session) {
        Live.later(refresh);
    }
}

function tellTransport() {
    Live.later(function () {
        if (session) {
            refresh();
            session.ask("transport", Osc.having("transport", Requests.transport(set)));
        }
    }, 1);
}

function refresh() {
    if (!session) {
        return;
    }
    set = Live.state();
    set.locators = settings.mode === Requests.ARRANGE ? Live.locators() : [];
    estimate();
    if (set.is_playing) {
        session.ask("transport", Osc.having("transport", Requests.transport(set)));
    }
    readSource();
    draw();
}

// How long until the first sound, asked anew when what would be asked for has changed.
function estimate() {
    var request, key;
    if (!session.first_s && !looked_back && session.results.length) {
        looked_back = true; // it took as long the last time
        session.first_s = Live.facts(session.results[0].paths[0]).first_chunk_s || 0;
    }
    if (!Osc.knows("estimate") || session.link !== "here" || session.busy()) {
        return;
    }
    request = Requests.build(settings, set, source, preset(), null, session.daemon);
    key = JSON.stringify(request);
    if (!request.problem && key !== estimated) {
        estimated = key;
        session.ask("estimate", Osc.having("estimate", request.values));
    }
}

function readSource() {
    var id = Live.chosenClip(), clip, found, key;
    if (source && source.whole && id === source_clip) {
        return; // what was just recorded stays the source until another clip is chosen
    }
    if (!id) {
        source = null;
        source_clip = 0;
        if (drawn_source) {
            drawn_source = "";
            outlet(2, ["source_sound", "clear"]);
        }
        return;
    }
    clip = Live.clip(id);
    found = Music.source(clip, set.tempo, set.brace);
    key = id + JSON.stringify(found);
    if (source && source.key === key) {
        return; // what was dragged in the picture stays
    }
    source = found;
    source.key = key;
    source.place = { track: clip.track, slot: clip.slot, beat: found.end_beat };
    source_clip = id;
    drawSource();
}

function select(edge, value) {
    var moved;
    if (!source || source.problem || !(value >= 0 && value <= source.file_s) || Math.abs(source[edge] - value) < 0.002) {
        return;
    }
    moved = value - source[edge];
    if (edge === "end_s" && source.place && source.place.beat !== undefined) {
        source.place.beat += moved * source.bpm / 60;
    }
    source[edge] = value;
    draw();
}
