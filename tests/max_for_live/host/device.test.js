// The whole device, on a stand-in for Max and Live, without a daemon: what a box sends, what a box is sent.
"use strict";
const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const vm = require("node:vm");
const { Max, SCRIPT } = require("./max.js");
const { Live, TICK_MS } = require("./live_object_model.js");

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const LOADED_MS = 1050;

// A device that has said hello; `answer(max, command)` is the daemon.
function device(version = "12.4.0", { answer = daemon, onOutlet = () => [], before = () => {}, ...options } = {}) {
    const live = new Live(version, options);
    live.devicePath = "live_set tracks 0 devices 0";
    const track = live.addTrack("Drums");
    const max = new Max(live, (outlet, list) => {
        if (outlet === 0 && list[0] !== "port") return answer(list);
        return onOutlet(outlet, list);
    });
    before(max, live);
    live.ready = true;
    max.control("ready");
    return { live, max, track, commands: () => max.sent.filter(([outlet]) => outlet === 0).map(([, ...list]) => list) };
}

function daemon(command) {
    const [address, id] = command;
    if (address === "/inspire/hello") return [[1, "/inspire/welcome", id, "0.1.0", 1, 60]];
    if (address === "/inspire/status") return [[1, "/inspire/state", id, "idle", "version", "0.1.0", "pid", 7, "folder", "/m", "audio_device", "none: another program holds it"]];
    if (address === "/inspire/presets") return [[1, "/inspire/preset", id, 0, 2, "Funk", "band", "prompt", "funk"], [1, "/inspire/preset", id, 1, 2, "808", "electronic", "prompt", "electro"]];
    if (address === "/inspire/models") return [[1, "/inspire/model", id, 0, 1, "sketch", "loaded", 1]];
    if (address === "/inspire/history") return [[1, "/inspire/entry", id, 0, "old-job", "done", "prompt", "an older one", "path", "/m/old.1.wav", "others", "old.2.wav", "duration_s", 8, "kept", 1, "seed", 3]];
    return [];
}

for (const version of ["11.2.0", "11.3.25", "12.0.0", "12.0.5", "12.2.0", "12.4.0"]) {
    test(`${version}: it starts, says what it is ready for, and makes no error in Max's console`, async () => {
        const { live, max, track } = device(version);
        live.addClip(live.objects.get(track.props.clip_slots[0]), { name: "808" });
        live.change(live.view, "detail_clip", live.objects.get(track.props.clip_slots[0]).props.clip);
        await wait(100);
        assert.match(max.shown("status", "set"), /^ready/);
        assert.match(max.shown("source", "set"), /^808 · 4 bars · 0.0 s to 8.0 s/);
        assert.deepStrictEqual(live.console, []);
        assert.deepStrictEqual(max.console, []);
        max.free();
    });
}

test("no LiveAPI is made before live.thisdevice says so, and controls that a set recalls before that do nothing wrong", () => {
    const live = new Live("12.4.0");
    const max = new Max(live);
    for (const [name, value] of [["mode", 1], ["bars", 4], ["seed", 9], ["lock", 1], ["go", 1], ["gain", -6], ["preset_saved", "Funk"], ["prompt", "x"], ["port", 7771]]) max.control(name, value);
    assert.ok(!max.sent.some(([outlet, name]) => outlet === 0 && name !== "port"));
    max.free();
});

test("opening a set presses nothing: what a button says in the first second is its recalled value", async () => {
    const { max, commands } = device();
    max.control("prompt", "dub");
    max.control("go", 1);
    max.control("go", 0);
    assert.ok(!commands().some(([address]) => address === "/inspire/generate"));
    await wait(LOADED_MS);
    max.control("go", 0);
    assert.ok(!commands().some(([address]) => address === "/inspire/generate"), "a button that comes up again is no press");
    max.control("go", 1);
    assert.ok(commands().some(([address]) => address === "/inspire/generate"));
    max.free();
});

test("a message that is named like a function of the script does not call it", () => {
    const { max } = device();
    assert.doesNotThrow(() => max.control("draw"));
    assert.doesNotThrow(() => max.control("receive", 1));
    assert.match(max.console.join(), /no control is called draw/);
    max.free();
});

test("the preset is saved by name and found again among others; a bank narrows the list", async () => {
    const { max } = device("12.4.0", { before: (one) => one.control("preset_saved", 808) });
    await wait(50);
    assert.strictEqual(max.shown("preset", "setsymbol"), "808");
    max.control("bank", "band");
    const items = max.sent.slice(max.sent.map(([, name, verb]) => name + verb).lastIndexOf("presetclear")).filter(([, name, verb]) => name === "preset" && verb === "append");
    assert.deepStrictEqual(items.map((item) => item[3]), ["no preset", "Funk", "808"]);
    assert.strictEqual(max.shown("bank_saved"), "band");
    max.control("preset", "no", "preset");
    assert.strictEqual(max.shown("preset_saved"), "-");
    max.free();
});

test("what was made before is listed with its heart, and can be shown, kept and let go", async () => {
    const { max, commands } = device();
    await wait(50);
    assert.strictEqual(max.shown("results", "append"), "♥ an older one");
    max.control("results", 0);
    assert.strictEqual(max.shown("result_sound", "replace"), "/m/old.1.wav");
    max.control("take", 1);
    assert.strictEqual(max.shown("result_sound", "replace"), "/m/old.2.wav");
    max.control("favourite", 0);
    const keep = commands().find(([address]) => address === "/inspire/keep");
    assert.deepStrictEqual(keep.slice(2, 5), ["old-job", "keep", 0]);
    assert.strictEqual(max.shown("results", "append"), "an older one");
    max.free();
});

test("locking the seed takes that of the result that is shown", async () => {
    const { max } = device();
    await wait(LOADED_MS);
    max.control("results", 0);
    max.control("lock", 1);
    assert.strictEqual(max.shown("seed", "set"), "3");
    max.free();
});

test("a take is heard at once while Live stands, from the next bar while it plays", async () => {
    const { live, max } = device();
    await wait(LOADED_MS);
    max.control("results", 0);
    const plays = () => max.sent.some(([outlet, name, value]) => outlet === 3 && name === "player" && value === 1);
    Object.assign(live.song.props, { is_playing: true, current_song_time: 7.5 }); // 0.25 s before the bar
    max.control("listen", 1);
    assert.deepStrictEqual(max.sent.filter(([outlet]) => outlet === 3).pop(), [3, "player", "open", "/m/old.1.wav"]);
    await wait(150);
    assert.ok(!plays());
    await wait(250);
    assert.ok(plays());
    assert.strictEqual(max.shown("listen", "text"), "Stop");
    max.control("played");
    assert.strictEqual(max.shown("listen", "text"), "Listen");
    max.free();
});

test("the time to the first sound is shown before anything is made: it was as long the last time", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "inspire-"));
    fs.writeFileSync(path.join(folder, "old.json"), JSON.stringify({ engine: { first_chunk_s: 9 }, timings: { first_chunk_s: 0.29 } }));
    const old = ["done", "prompt", "old", "path", path.join(folder, "old.wav"), "duration_s", 8];
    const { max } = device("12.4.0", {
        answer: ([address, id]) => {
            if (address === "/inspire/history") return [[1, "/inspire/entry", id, 0, "old-job", ...old]];
            if (address === "/inspire/status") return [[1, "/inspire/state", id, "idle", "model", "sketch"]];
            return daemon([address, id]);
        },
    });
    await wait(1200);
    assert.strictEqual(max.shown("status", "set"), "ready · sketch · first sound in 0.3 s");
    fs.rmSync(folder, { recursive: true });
    max.free();
});

test("without a brace a result goes to the next bar of the set's own metre", async () => {
    const { live, max } = device("12.4.0", {
        focus: "Arranger", file_s: { "/m/x.wav": 8 },
        answer: (list) => {
            if (list[0] === "/inspire/generate") setTimeout(() => max.send(1, "/inspire/done", list[1], "/m/x.wav", 8), 1);
            return daemon(list);
        },
    });
    Object.assign(live.song.props, { signature_numerator: 3, current_song_time: 10 });
    max.control("prompt", "waltz");
    await wait(LOADED_MS);
    max.control("go", 1);
    await wait(400);
    assert.match(max.shown("status", "set"), /^placed in beat 12 of Drums/);
    max.free();
});

test("the gain reaches the daemon and the take that is listened to", async () => {
    const { max, commands } = device();
    await wait(50);
    max.control("gain", -6);
    assert.deepStrictEqual(commands().find(([address]) => address === "/inspire/gain").slice(2, 3), [-6]);
    const level = max.sent.filter(([outlet, name]) => outlet === 3 && name === "level").pop();
    assert.ok(Math.abs(level[2] - 0.501) < 0.001);
    max.control("gain", -60);
    assert.strictEqual(max.sent.filter(([outlet, name]) => outlet === 3 && name === "level").pop()[2], 0);
    max.free();
});

test("the banner has Live's own colours, and new ones when the theme changes", async () => {
    let shade = 0.25;
    const { max } = device("12.4.0", { onOutlet: (outlet, list) => (list[0] === "colours" ? [[0, "colour", list[1], shade, shade, shade, 1]] : []) });
    await wait(50);
    assert.strictEqual(max.shown("status", "bgcolor"), "0.25 0.25 0.25 1");
    shade = 0.75;
    max.control("theme");
    assert.strictEqual(max.shown("status", "bgcolor"), "0.75 0.75 0.75 1");
    max.free();
});

test("only what has changed is sent to the face: a device at rest is silent", async () => {
    const { max } = device();
    await wait(300);
    const before = max.sent.filter(([outlet]) => outlet === 2).length;
    await wait(1600);
    assert.strictEqual(max.sent.filter(([outlet]) => outlet === 2).length, before);
    max.free();
});

test("Live's transport is reported where the daemon takes it, and not where it does not", async () => {
    for (const has of [true, false]) {
        const { live, max, commands } = device("12.4.0", { before: (one) => has || delete vm.runInContext("TABLE", one.context).commands.transport });
        await wait(50);
        Object.assign(live.song.props, { current_song_time: 12, signature_numerator: 7, signature_denominator: 8 });
        live.change(live.song, "is_playing", true);
        await wait(50);
        const reports = commands().filter(([address]) => address === "/inspire/transport");
        if (has) assert.deepStrictEqual(reports.pop().slice(2, 9), [120, 12, 1, "beats_per_bar", 7, "beat_unit", 8]);
        else assert.strictEqual(reports.length, 0);
        max.free();
    }
});

test("where nothing is heard while it is made, it is said why", async () => {
    const { max } = device("12.4.0", { answer: (list) => (list[0] === "/inspire/generate" ? [[1, "/inspire/ack", list[1]]] : daemon(list)) });
    max.control("prompt", "dub");
    await wait(LOADED_MS);
    max.control("go", 1);
    assert.strictEqual(max.shown("grid", "set"), "not heard: none: another program holds it");
    max.free();
});

test("what was measured stands below the picture, read from the file beside the sound", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "inspire-"));
    const sound = path.join(folder, "x.wav");
    fs.writeFileSync(path.join(folder, "x.json"), JSON.stringify({ padding: "x".repeat(9000), engine: { bpm: 120.02, key: "A minor", join_click_db: -31.4 } }));
    const { max } = device("12.4.0", {
        answer: (list) => {
            if (list[0] === "/inspire/generate") setTimeout(() => max.send(1, "/inspire/done", list[1], sound, 8, "seed", 5), 1);
            return daemon(list);
        },
    });
    max.control("prompt", "dub");
    max.control("auto_place", 0);
    await wait(LOADED_MS);
    max.control("go", 1);
    await wait(30);
    assert.strictEqual(max.shown("grid", "set"), "120.02 bpm, A minor, join −31 dB, seed 5");
    fs.rmSync(folder, { recursive: true });
    max.free();
});

test("Arrange says what the locators make, and asks for it where the first of them is", async () => {
    const { live, max, commands } = device("11.2.0", { focus: "Arranger" });
    for (const [name, time] of [["Drop", 32], ["Intro", 16], ["End", 64]]) live.song.props.cue_points.push(live.make("CuePoint", null, { name, time }).id);
    max.control("prompt", "dub");
    max.control("mode", 3);
    await wait(LOADED_MS);
    assert.strictEqual(max.shown("go", "text"), "Arrange 12 bars");
    assert.strictEqual(max.shown("source", "set"), "Intro 4 · Drop 8");
    assert.deepStrictEqual([max.shown("ruler1", "set"), max.shown("ruler3", "set")], ["5", "8"], "the song's bars");
    max.control("go", 1);
    const command = commands().find(([address]) => address === "/inspire/arrange");
    assert.strictEqual(command[2], "Intro:4 | Drop:8 |");
    assert.deepStrictEqual(live.console, []);
    live.song.props.cue_points.pop();
    live.song.props.cue_points.pop();
    live.song.props.cue_points.pop();
    await wait(1100);
    assert.strictEqual(max.shown("source", "set"), "set locators: each becomes a section");
    max.free();
});

test("with a MIDI clip chosen, or none, the source is what plays on the device's track", async () => {
    const { live, max, track } = device();
    const slots = track.props.clip_slots.map((id) => live.objects.get(id));
    live.addClip(slots[2], { name: "playing" });
    const midi = live.addClip(slots[0], { name: "notes", is_audio_clip: false });
    live.change(live.view, "detail_clip", midi.id);
    await wait(1200);
    assert.strictEqual(max.shown("source", "set"), "no source: select an audio clip");
    track.props.playing_slot_index = 2;
    await wait(1200);
    assert.match(max.shown("source", "set"), /^playing · 4 bars/);
    assert.deepStrictEqual(live.console, []);
    max.free();
});

test("dragging in the upper picture moves what is continued, and where it lands", async () => {
    const { live, max, track, commands } = device("12.4.0", { focus: "Arranger" });
    const clip = live.addClip(track, { start_time: 0, end_time: 16, looping: false });
    live.change(live.view, "detail_clip", clip.id);
    await wait(LOADED_MS);
    max.control("select_start", 1000);
    max.control("select_end", 6000);
    assert.match(max.shown("source", "set"), /1\.0 s to 6\.0 s/);
    max.control("mode", 1);
    max.control("go", 1);
    const command = commands().find(([address]) => address === "/inspire/continue");
    assert.strictEqual(command[command.indexOf("from_s") + 1], 6);
    assert.strictEqual(max.shown("ruler1", "set"), "4", "six seconds are twelve beats: bar 4");
    max.free();
});

test("whatever comes in from boxes and the network, in any order, nothing is thrown and no answer breaks the face", async () => {
    const { max, live, track } = device("12.0.0");
    live.addClip(live.objects.get(track.props.clip_slots[0]), {});
    await wait(LOADED_MS);
    let seed = 1;
    const random = (below) => (seed = (seed * 16807) % 2147483647) % below;
    const { boxes } = JSON.parse(fs.readFileSync(path.join(path.dirname(SCRIPT), "Inspire.maxpat"), "utf8")).patcher;
    const texts = boxes.map(({ box }) => box.text || "");
    const names = texts.filter((text) => text.startsWith("prepend ")).map((text) => text.slice(8));
    const replies = Object.entries(vm.runInContext("TABLE", max.context).replies);
    const id = max.sent.find(([outlet, address]) => outlet === 0 && address === "/inspire/hello")[2].replace("hello", "");
    assert.ok(names.length > 25);
    const values = [0, 1, -1, 3, 1e9, 0.5, "", "808", "no preset", "a b", "/m/x.wav", "done", "null", "ünï", "x".repeat(3000)];
    const any = () => values[random(values.length)];
    for (let turn = 0; turn < 1500; turn++) {
        if (random(3)) {
            const name = names[random(names.length)];
            max.control(name, ...Array.from({ length: random(3) }, any));
        } else {
            const [name, spec] = replies[random(replies.length)];
            const keys = Object.keys(spec.keys);
            const list = [random(4) ? id + ["hello", "status", "1", "2"][random(4)] : any(), ...spec.arguments.map(any)];
            for (let i = 0; keys.length && i < random(4); i++) list.push(keys[random(keys.length)], any());
            max.send(1, random(20) ? "/inspire/" + name : "/nonsense", ...list.slice(0, random(10) ? list.length : random(list.length + 1)));
        }
    }
    await wait(700);
    assert.ok(max.shown("status", "set").length > 0);
    max.free();
});

test("two devices draw other names and ports", () => {
    const [one, two] = [device(), device()];
    const hello = (of) => of.commands().find(([address]) => address === "/inspire/hello");
    assert.notStrictEqual(hello(one)[1], hello(two)[1]);
    one.max.free();
    two.max.free();
});

test("an answer to another device is none to this one", () => {
    const { max } = device("12.4.0", { answer: () => [] });
    max.send(1, "/inspire/welcome", "live-somebody-hello", "0.1.0", 1, 60);
    assert.match(max.shown("status", "set"), /^looking/);
    max.free();
});

test("in the arrangement four takes do not become four tracks where Live has no take lanes", async () => {
    for (const [version, tracks] of [["12.0.5", 1], ["12.4.0", 1]]) {
        const { live, max } = device(version, {
            focus: "Arranger", file_s: { "/m/x.1.wav": 8, "/m/x.2.wav": 8 },
            answer: (list) => {
                if (list[0] === "/inspire/generate") setTimeout(() => max.send(1, "/inspire/done", list[1], "/m/x.1.wav", 8, "others", "x.2.wav"), 1);
                return daemon(list);
            },
        });
        max.control("prompt", "dub");
        max.control("takes", 1);
        await wait(LOADED_MS);
        max.control("go", 1);
        await wait(700);
        assert.strictEqual(live.song.props.tracks.length, tracks);
        const track = live.objects.get(live.song.props.tracks[0]);
        assert.strictEqual(track.props.arrangement_clips.length, 1);
        assert.strictEqual(track.props.take_lanes.length, version === "12.4.0" ? 1 : 0);
        max.free();
    }
});

test("a result that was made in another tempo says so when it is placed", async () => {
    const { live, max } = device("12.4.0", {
        file_s: { "/m/x.wav": 8 },
        answer: (list) => {
            if (list[0] === "/inspire/generate") setTimeout(() => max.send(1, "/inspire/done", list[1], "/m/x.wav", 8), 1);
            return daemon(list);
        },
    });
    max.control("prompt", "dub");
    max.control("auto_place", 0);
    await wait(LOADED_MS);
    max.control("go", 1);
    await wait(30);
    live.song.props.tempo = 140;
    max.control("place", 1);
    await wait(400);
    assert.match(max.shown("status", "set"), /^placed in slot 1 of Drums · made at 120 bpm/);
    max.free();
});

test("on a return or the master a result gets a track of its own", async () => {
    const { live, max } = device("12.4.0", {
        file_s: { "/m/x.wav": 8 },
        before: (one, stage) => (stage.devicePath = "live_set master_track devices 0"),
        answer: (list) => {
            if (list[0] === "/inspire/generate") setTimeout(() => max.send(1, "/inspire/done", list[1], "/m/x.wav", 8), 1);
            return daemon(list);
        },
    });
    max.control("prompt", "dub");
    await wait(LOADED_MS);
    max.control("go", 1);
    await wait(500);
    assert.match(max.shown("status", "set"), /^placed in a new track, slot 1 of Inspire/);
    assert.deepStrictEqual(live.console, []);
    max.free();
});

test("nothing is written to Live while it stands idle or is listened to", async () => {
    const { live, max } = device();
    live.change(live.song, "tempo", 99);
    live.change(live.song, "is_playing", true);
    await wait(1300);
    assert.deepStrictEqual(live.calls.filter(([, name]) => !/version/.test(name)), []);
    assert.strictEqual(live.pending.length, 0);
    assert.ok(TICK_MS > 0);
    max.free();
});
