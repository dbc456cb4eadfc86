// What the controls and the daemon set off. Runs inside one function with face.js, see build.py: Max calls a global function
// whenever a message of its name comes, and these are named as the controls are.
var TICK_MS = 500, GROWTH_MS = 1000, NOTICE_MS = 8000, LOADING_MS = 1000;
var settings = {
    mode: 0, bars: 2, takes: 0, drums: 0, key: 1, guidance: 0, seed: 0, lock: 0, hear: 1, gain: 0, where: 0, auto_place: 1, port: 7770,
    prompt: "", bank: "", preset: "", model: ""
};
var session = null, clock = null, observers = [], shown = {}, colours = {};
var set = null, source = null, source_clip = 0, drawn_source = "", result = null, take = 0, listening = false;
var recording = null, notice = null, grown_at = 0, started_at = 0, ticks = 0, estimated = "";
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

// ---- what a control sends -------------------------------------------------------------------------------------------------

function number(name) {
    return function (list) {
        settings[name] = Number(list[0]) || 0;
        refresh();
    };
}

function chosenName(name, none) {
    return function (list) {
        var chosen = list.join(" ");
        settings[name] = chosen === none || chosen === "-" ? "" : chosen;
        show(name + "_saved", [settings[name] || "-"]);
        refresh();
    };
}

function savedName(name) {
    return function (list) {
        var saved = list.join(" ");
        settings[name] = saved === "-" || saved === "0" ? "" : saved;
        drawn_menus = "";
        refresh();
    };
}

// A push button: acts when pressed, and not on what a set that is just opening makes it say.
function press(act) {
    return function (list) {
        if ((list.length && !list[0]) || !session || session.io.now() - started_at < LOADING_MS) {
            return;
        }
        act();
        refresh();
    };
}

var Controls = {
    ready: start,
    mode: number("mode"), bars: number("bars"), takes: number("takes"), drums: number("drums"), key: number("key"), guidance: number("guidance"),
    seed: number("seed"), hear: number("hear"), where: number("where"), auto_place: number("auto_place"),
    prompt: function (list) {
        settings.prompt = list.join(" ");
        refresh();
    },
    bank: function (list) {
        settings.bank = list.join(" ") === "all banks" ? "" : list.join(" ");
        show("bank_saved", [settings.bank || "-"]);
        drawn_menus = "";
        refresh();
    },
    preset: chosenName("preset", "no preset"), model: chosenName("model", "usual model"),
    bank_saved: savedName("bank"), preset_saved: savedName("preset"), model_saved: savedName("model"),
    port: function (list) {
        settings.port = Number(list[0]);
        outlet(0, ["port", settings.port]);
        if (session && session.port !== settings.port) {
            session.start(settings.port);
        }
    },
    lock: function (list) {
        settings.lock = Number(list[0]);
        if (settings.lock && result && result.seed !== undefined && session && session.io.now() - started_at > LOADING_MS) {
            settings.seed = Math.min(result.seed, 9999);
            show("seed", ["set", settings.seed]);
        }
    },
    gain: function (list) {
        settings.gain = Number(list[0]);
        outlet(3, ["level", settings.gain <= -60 ? 0 : Math.pow(10, settings.gain / 20), 20]);
        if (session) {
            session.ask("gain", { gain_db: settings.gain });
        }
    },
    go: press(function () {
        outlet(2, ["prompt", "bang"]); // words that were typed, but not entered yet
        go(settings);
    }),
    stop: press(function () {
        session.cancel();
    }),
    again: press(again), record: press(record), listen: press(listen), reveal: press(reveal),
    place: press(function () {
        placeTakes([take]);
    }),
    place_all: press(function () {
        placeTakes(allTakes());
    }),
    results: function (list) {
        choose(session.results[Number(list[0])]);
        refresh();
    },
    favourite: function (list) {
        if (result && session) {
            session.keep(result, Number(list[0]) ? 1 : 0);
        }
    },
    take: function (list) {
        take = Number(list[0]);
        if (result) {
            silence();
            drawResult();
        }
        refresh();
    },
    select_start: function (list) {
        select("start_s", Number(list[0]) / 1000);
    },
    select_end: function (list) {
        select("end_s", Number(list[0]) / 1000);
    },
    played: silence,
    source_wave_read: drawRegion,
    result_wave_read: function () {},
    theme: askColours,
    colour: function (list) {
        colours[list[0]] = list.slice(1, 5);
        draw();
    }
};

// ---- beginning and keeping up ---------------------------------------------------------------------------------------------

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
    if (!source || source.problem || Math.abs(source[edge] - value) < 0.002) {
        return;
    }
    moved = value - source[edge];
    if (edge === "end_s" && source.place && source.place.beat !== undefined) {
        source.place.beat += moved * source.bpm / 60;
    }
    source[edge] = value;
    draw();
}

// ---- what the buttons do --------------------------------------------------------------------------------------------------

function say(mood, text) {
    notice = { mood: mood, text: text, until: session.io.now() + NOTICE_MS };
    draw();
}

function preset() {
    var i;
    for (i = 0; i < session.presets.length; i++) {
        if (session.presets[i] && session.presets[i].name === settings.preset) {
            return session.presets[i];
        }
    }
    return null;
}

function targetNow(mode) {
    var place = mode === Requests.GENERATE || !source || source.problem ? null : source.place;
    if (place && mode === Requests.FILL && place.beat !== undefined) {
        place = { track: place.track, beat: place.beat - (source.end_s - source.start_s) * source.bpm / 60 };
    }
    return Placing.target(settings.where, place, Live.ownTrack(),
        { scene: set.scene, beat: set.brace.on ? set.brace.start : Math.ceil(set.beat / 4) * 4, in_arrangement: set.in_arrangement });
}

// `wishes`: the settings, or others in their place.
function go(wishes) {
    var target, request, problem;
    wishes.dice = Math.floor(session.io.random() * 10000);
    set = Live.state();
    set.locators = Live.locators();
    target = targetNow(wishes.mode);
    request = Requests.build(wishes, set, source, preset(), target, session.daemon);
    problem = request.problem || session.submit(request, target);
    if (problem) {
        say("bad", problem);
    } else {
        beginGrowth();
    }
}

function again() {
    var problem = result ? session.again(result, settings.lock ? settings.seed : undefined, settings.hear ? 1 : 0, result.target || targetNow(settings.mode)) : "nothing was made yet";
    if (problem) {
        say("bad", problem);
    } else {
        beginGrowth();
    }
}

function beginGrowth() {
    notice = null;
    silence();
    grown_at = 0;
    result = null;
    outlet(2, ["result_sound", "setsize", Math.round(session.job.total_s * 1000) || 1000, 2]);
    outlet(2, ["result_sound", "clear"]);
}

// Plays into the device: records until pressed again, then continues what was played.
function record() {
    var now = session.io.now(), folder = recordingFolder();
    if (recording) {
        outlet(3, ["recorder", 0]);
        finishRecording(now);
    } else if (!folder) {
        say("bad", "no folder to record to: save the set first");
    } else {
        recording = { path: folder + "recorded-" + now + ".wav", began: now, beat: set.beat };
        outlet(3, ["recorder", "open", Music.maxPath(recording.path), "wave"]);
        outlet(3, ["recorder", 1]);
    }
}

// With its last slash: the results' folder, once there is a result in it, else the set's.
function recordingFolder() {
    return session.results.length ? session.results[0].paths[0].replace(/[^\/\\]*$/, "") : Live.setFolder();
}

function finishRecording(now) {
    var made = recording, length_s = (now - recording.began) / 1000;
    made.source = {
        path: made.path, name: "recorded", start_s: 0, end_s: length_s, file_s: length_s, bpm: set.tempo, whole: true, key: made.path,
        place: { track: Live.ownTrack(), beat: set.in_arrangement ? set.beat : undefined, slot: set.in_arrangement ? undefined : set.scene - 1 }
    };
    source = made.source;
    recording = null;
    Live.later(function () { // the file is closed by then
        var wishes = {}, name;
        for (name in settings) {
            wishes[name] = settings[name];
        }
        wishes.mode = Requests.CONTINUE; // the tab stays as it was: what a patch moves itself is a step of Live's undo
        drawSource();
        go(wishes);
    }, 300);
}

function allTakes() {
    var all = [], i;
    for (i = 0; result && i < result.paths.length; i++) {
        all.push(i);
    }
    return all;
}

function arrived(made) {
    choose(made);
    if (settings.auto_place && session.job && session.job.state === "done") {
        placeTakes(allTakes());
    }
}

function choose(chosen) {
    if (chosen) {
        silence();
        result = chosen;
        take = Math.min(take, chosen.paths.length - 1);
        drawResult();
    }
}

function placeTakes(takes) {
    var files = [], placed = result, i;
    if (!result) {
        say("bad", "nothing was made yet");
        return;
    }
    for (i = 0; i < takes.length; i++) {
        files.push({ path: result.paths[takes[i]], name: Words.cut(result.prompt || "Inspire", 30) + " " + "ABCD".charAt(takes[i]) });
    }
    set = Live.state();
    Placing.place(Live, files, placed.duration_s, placed.target || targetNow(Requests.GENERATE), function (told) {
        var last = told[told.length - 1], failed = [], i;
        for (i = 0; i < told.length; i++) {
            if (!told[i].ok) {
                failed.push(told[i]);
            }
        }
        if (failed.length) {
            say("bad", "not placed: " + failed[0].text);
        } else {
            say("good", (told.length > 1 ? Words.many(told.length, "take") + ", the last in " : "placed in ") + last.text);
        }
    });
}

function listen() {
    var wait;
    if (listening) {
        silence();
    } else if (result) {
        listening = true;
        outlet(3, ["player", "open", Music.maxPath(result.paths[take])]);
        set = Live.state();
        wait = set.is_playing ? Music.untilBar(set.beat, set.tempo, set.numerator * 4 / set.denominator) : 1;
        Live.later(function () {
            if (listening) {
                outlet(3, ["player", 1]);
            }
        }, wait);
    }
}

function silence() {
    if (listening) {
        listening = false;
        outlet(3, ["player", 0]);
        draw();
    }
}

function reveal() {
    var path = result ? result.paths[take] : "", folder = path ? path.replace(/[^\/\\]*$/, "") : session.daemon.folder;
    if (folder) {
        folder = folder.replace(/\\/g, "/");
        messnamed("max", "launchbrowser", "file://" + (folder.charAt(0) === "/" ? "" : "/") + encodeURI(folder));
    }
}
