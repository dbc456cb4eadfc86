// What each control of the face sets off. Runs inside one function, see build.py.

// Lowest and highest of each, as layout.py has them: whatever comes, by MIDI or from an older set, stays within.
var LIMITS = {
    mode: [0, 3], bars: [0, 4], takes: [0, 3], drums: [0, 2], key: [0, 1], guidance: [0, 10], gain: [-60, 6], seed: [0, 9999], lock: [0, 1],
    hear: [0, 1], where: [0, 4], take: [0, 3], auto_place: [0, 1], port: [1024, 65535]
};

function within(name, list) {
    var given = Number(list[0]);
    given = isFinite(given) ? Math.max(LIMITS[name][0], Math.min(LIMITS[name][1], given)) : settings[name] || 0;
    return name === "guidance" || name === "gain" ? given : Math.round(given);
}

function number(name) {
    return function (list) {
        settings[name] = within(name, list);
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
        settings.port = within("port", list);
        outlet(0, ["port", settings.port]);
        if (session && session.port !== settings.port) {
            session.start(settings.port);
        }
    },
    lock: function (list) {
        settings.lock = within("lock", list);
        if (settings.lock && result && result.seed !== undefined && session && session.io.now() - started_at > LOADING_MS) {
            settings.seed = Math.min(result.seed, 9999);
            show("seed", ["set", settings.seed]);
        }
    },
    gain: function (list) {
        settings.gain = within("gain", list);
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
        if (session) {
            choose(session.results[Number(list[0])]);
            refresh();
        }
    },
    favourite: function (list) {
        if (result && session) {
            session.keep(result, Number(list[0]) ? 1 : 0);
        }
    },
    take: function (list) {
        take = within("take", list);
        if (result) {
            take = Math.min(take, result.paths.length - 1);
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
