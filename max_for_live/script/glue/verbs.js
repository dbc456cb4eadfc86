// What the buttons do. Runs inside one function, see build.py.

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
    var bar = set.numerator * 4 / set.denominator, plan = mode === Requests.ARRANGE ? Requests.sections(settings, set, source) : null, place = mode === Requests.GENERATE || !source || source.problem ? null : source.place;
    if (plan) {
        place = { track: plan.goes_on ? source.place.track : Live.ownTrack(), beat: plan.beat || 0 };
    }
    if (place && mode === Requests.FILL && place.beat !== undefined) {
        place = { track: place.track, beat: place.beat - (source.end_s - source.start_s) * source.bpm / 60 };
    }
    return Placing.target(settings.where, place, Live.ownTrack(),
        { scene: set.scene, beat: set.brace.on ? set.brace.start : Math.ceil(set.beat / bar - 1e-6) * bar, in_arrangement: set.in_arrangement });
}

// `wanted`: the settings, or others in their place.
function go(wanted) {
    var target, request, problem;
    wanted.dice = Math.floor(session.io.random() * 10000);
    set = Live.state();
    set.locators = Live.locators();
    target = targetNow(wanted.mode);
    request = Requests.build(wanted, set, source, preset(), target, session.daemon);
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
        var wanted = {}, name;
        for (name in settings) {
            wanted[name] = settings[name];
        }
        wanted.mode = Requests.CONTINUE; // the tab stays as it was: what a patch moves itself is a step of Live's undo
        drawSource();
        go(wanted);
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
        placeTakes(!made.target || Placing.takesAll(Live.version(), made.target) ? allTakes() : [0]);
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
    Placing.place(Live, files, placed.duration_s, placed.target || targetNow(Requests.GENERATE), function (outcomes) {
        var last = outcomes[outcomes.length - 1], failed = [], i;
        for (i = 0; i < outcomes.length; i++) {
            if (!outcomes[i].ok) {
                failed.push(outcomes[i]);
            }
        }
        if (failed.length) {
            say("bad", "not placed: " + failed[0].text);
        } else {
            say("good", (outcomes.length > 1 ? Words.many(outcomes.length, "take") + ", the last in " : "placed in ") + last.text + otherTempo(placed));
        }
    });
}

// Where the set's tempo is no longer that which it was made in.
function otherTempo(placed) {
    var bar_s = Music.metre(set.tempo, set.numerator, set.denominator).bar_s;
    return placed.asked && Math.abs(placed.asked.bar_s / bar_s - 1) > 0.005 ? " · made at " + Math.round(placed.asked.bpm * 100) / 100 + " bpm" : "";
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
