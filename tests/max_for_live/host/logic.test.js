// The logic alone: no Max, no Live.
"use strict";
const test = require("node:test");
const assert = require("node:assert");
const { run } = require("./max.js");

const { Osc, Music, Words, Requests, Sections, Placing, TABLE } = run("({ Osc: Osc, Music: Music, Words: Words, Requests: Requests, Sections: Sections, Placing: Placing, TABLE: TABLE })");
const plain = (value) => JSON.parse(JSON.stringify(value));
const SET = { tempo: 124, numerator: 4, denominator: 4, root_note: 9, scale_name: "Minor", scale_mode: 1, beat: 0, is_playing: false, brace: { on: false } };
const SETTINGS = { mode: 0, bars: 3, takes: 0, drums: 0, key: 1, guidance: 0, seed: 7, lock: 0, dice: 5, hear: 1, prompt: "dub techno", preset: "", model: "" };
const CLIP = {
    warping: true, looping: false, is_session: false, loop_start: 0, loop_end: 16, start_marker: 0, end_marker: 16, start_time: 32, end_time: 48, sample_length: 10 * 48000,
    sample_rate: 48000, file_path: "/a/b.wav", name: "b",
    warp_markers: JSON.stringify({ warp_markers: [{ sample_time: 0.5, beat_time: 0 }, { sample_time: 4.5, beat_time: 8 }, { sample_time: 9.5, beat_time: 16 }] }),
};
const near = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("a command has its arguments in the table's order and only keys that the table has", () => {
    const made = Osc.command("generate", "a", { prompt: "x", bars: 8, bpm: 124, key: undefined });
    assert.match(Osc.command("generate", "a", { prompt: "x", nonsense: 3 }).problem, /generate has no nonsense/);
    assert.deepStrictEqual(plain(Osc.having("generate", { prompt: "x", nonsense: 3, bars: 8 })), { prompt: "x", bars: 8 });
    assert.deepStrictEqual(plain(made.message), ["/inspire/generate", "a", "x", "bars", 8, "bpm", 124]);
});

test("a value out of range is reported with what is allowed, before anything is sent", () => {
    assert.match(Osc.command("generate", "a", { prompt: "x", bpm: 1000 }).problem, /bpm is 1000: from 20 to 400/);
    assert.match(Osc.command("generate", "a", { prompt: "x", start: "later" }).problem, /one of now, bar/);
    assert.match(Osc.command("generate", "a", {}).problem, /needs prompt/);
});

test("a command that is longer than a kilobyte is rejected in words, also where letters take three bytes", () => {
    assert.match(Osc.command("generate", "a", { prompt: "温".repeat(400) }).problem, /too long/);
    assert.ok(Osc.command("generate", "a", { prompt: "w".repeat(900) }).message);
});

test("the size of a message is what it takes on the wire", () => {
    assert.strictEqual(Osc.size(["/inspire/ping", "ab"]), 16 + 4 + 4);
    assert.strictEqual(Osc.size(["/inspire/ping", "abcd", 1, 1.5]), 16 + 8 + 8 + 4 + 4); // ,sif and a NUL are five bytes
});

test("a reply is read by the table: a text that looks like a number is a text again", () => {
    const reply = Osc.reply("/inspire/preset", ["a", 0, 1, 808, "electronic", "prompt", 909, "a_later_key", 1]);
    assert.deepStrictEqual([reply.reply, reply.name, reply.prompt, reply.a_later_key], ["preset", "808", "909", undefined]);
    const done = Osc.reply("/inspire/done", [12, "/m/x.1.wav", 8, "others", "x.2.wav/x.3.wav"]);
    assert.strictEqual(done.id, "12");
    assert.deepStrictEqual(plain(Osc.paths(done)), ["/m/x.1.wav", "/m/x.2.wav", "/m/x.3.wav"]);
    assert.strictEqual(Osc.reply("/inspire/unheard_of", ["a"]), null);
    assert.strictEqual(Osc.reply("/inspire/done", ["a"]), null);
});

test("every command of the table fits the wire with its longest whole numbers and texts of a path", () => {
    for (const [name, spec] of Object.entries(TABLE.commands)) {
        const values = {};
        for (const [field, type, low, high, choices] of [...spec.arguments, ...Object.values(spec.keys)]) {
            values[field] = choices ? choices[0] : type === "s" ? "x".repeat(Math.min(high || 50, 50)) : high === null ? 1 : high;
        }
        assert.ok(Osc.command(name, "an-id", values).message, name);
    }
});

test("bars of any signature are as long as Live's", () => {
    for (const [numerator, denominator, seconds] of [[4, 4, 2], [3, 4, 1.5], [6, 8, 1.5], [7, 8, 1.75], [5, 4, 2.5], [12, 8, 3]]) {
        const metre = Music.metre(120, numerator, denominator);
        near(metre.bar_s, seconds);
        near(metre.beats_per_bar * 4 / metre.beat_unit * 60 / metre.bpm, seconds);
        assert.deepStrictEqual([metre.bpm, metre.beats_per_bar, metre.beat_unit], [120, numerator, denominator]);
    }
    assert.deepStrictEqual([Music.metre(300, 7, 8).fits, Music.metre(401, 7, 8).fits, Music.metre(120, 17, 8).fits], [true, false, false]);
    assert.deepStrictEqual([Music.metre(120, 2, 1).beats_per_bar, Music.metre(120, 2, 1).beat_unit], [8, 4]);
});

test("beats become seconds between warp markers, and beyond them by the nearest tempo", () => {
    const markers = Music.markers(CLIP.warp_markers);
    near(Music.secondsAt(markers, 0), 0.5);
    near(Music.secondsAt(markers, 4), 2.5);
    near(Music.secondsAt(markers, 8), 4.5);
    near(Music.secondsAt(markers, 12), 7);
    near(Music.secondsAt(markers, 18), 10.75);
    near(Music.secondsAt(markers, -1), 0);
    near(Music.tempoAt(markers, 2), 120);
    near(Music.tempoAt(markers, 12), 96);
    assert.deepStrictEqual(plain(Music.markers("not json")), []);
});

test("a clip of the arrangement is the source from end to end, or the part under the loop brace", () => {
    const whole = Music.source(CLIP, 120, { on: false });
    assert.strictEqual(whole.path, "/a/b.wav");
    near(whole.start_s, 0.5);
    near(whole.end_s, 9.5);
    assert.strictEqual(whole.end_beat, 48);
    const part = Music.source(CLIP, 120, { on: true, start: 36, length: 8 });
    near(part.start_s, 2.5);
    near(part.end_s, 7);
    assert.strictEqual(part.end_beat, 44);
    assert.strictEqual(Music.source(CLIP, 120, { on: true, start: 100, length: 8 }).end_beat, 48);
});

test("an unwarped clip counts in seconds; a looped one goes round", () => {
    const flat = Music.source({ ...CLIP, warping: false, loop_start: 1, loop_end: 9 }, 120, { on: true, start: 34, length: 4 });
    near(flat.start_s, 2);
    near(flat.end_s, 4);
    const round = { ...CLIP, looping: true, loop_start: 4, loop_end: 8, start_marker: 4 };
    near(Music.source(round, 120, { on: true, start: 38, length: 2 }).start_s, Music.secondsAt(Music.markers(CLIP.warp_markers), 6));
    near(Music.source(round, 120, { on: true, start: 38, length: 2 }).end_s, Music.secondsAt(Music.markers(CLIP.warp_markers), 8));
    near(Music.source(round, 120, { on: false }).end_s, 4.5);
});

test("an end marker behind the file's end, no file, no sound: said in words or cut", () => {
    near(Music.source({ ...CLIP, warping: false, loop_end: 99, end_time: 300 }, 120, { on: false }).end_s, 10);
    assert.match(Music.source({ ...CLIP, file_path: "" }, 120, {}).problem, /save the set/);
    assert.match(Music.source({ ...CLIP, warp_markers: "" }, 120, {}).problem, /warp markers/);
});

test("paths of older Max and of Windows", () => {
    assert.strictEqual(Music.nativePath("Macintosh HD:/Users/a/b.wav"), "/Users/a/b.wav");
    assert.strictEqual(Music.nativePath("C:/Users/a/b.wav"), "C:/Users/a/b.wav");
    assert.strictEqual(Music.maxPath("C:\\Users\\a.wav"), "C:/Users/a.wav");
    assert.strictEqual(Music.maxPath("/odd\\name.wav"), "/odd\\name.wav");
});

test("Live's key is asked for where someone chose it", () => {
    assert.strictEqual(Music.key(9, "Minor", 1), "A minor");
    assert.strictEqual(Music.key(6, "Major", undefined), "F# major");
    assert.strictEqual(Music.key(0, "Major", undefined), "", "before 12.0.5 every set says C major");
    assert.strictEqual(Music.key(9, "Minor", 0), "");
    assert.strictEqual(Music.key(2, "Dorian", 1), "");
});

test("the ruler counts the song's bars", () => {
    assert.deepStrictEqual(plain(Music.ruler(17, 8, 8)), ["17", "18", "19", "20", "21", "22", "23", "24"]);
    assert.deepStrictEqual(plain(Music.ruler(1, 4, 8)), ["1", "·", "2", "·", "3", "·", "4", "·"]);
    assert.deepStrictEqual(plain(Music.ruler(1, 16, 8)), ["1", "3", "5", "7", "9", "11", "13", "15"]);
});

test("a prompt becomes a request in the set's tempo, metre and key", () => {
    const made = Requests.build(SETTINGS, SET, null, null);
    assert.strictEqual(made.name, "generate");
    assert.deepStrictEqual(plain(made.values), { bpm: 124, beats_per_bar: 4, bars: 8, key: "A minor", variations: 1, seed: 5, play: 1, prompt: "dub techno" });
    near(made.asked.total_s, 8 * 4 * 60 / 124);
});

test("drums with and without, the preset's words kept where there are no own", () => {
    assert.strictEqual(Requests.prompt({ ...SETTINGS, drums: 2 }), "dub techno, no drums");
    assert.strictEqual(Requests.prompt({ ...SETTINGS, drums: 2, prompt: "dub, drumless" }), "dub, drumless");
    assert.strictEqual(Requests.prompt({ ...SETTINGS, drums: 2, prompt: "" }, { prompt: "house, piano, drums" }), "house, piano, no drums");
    assert.strictEqual(Requests.prompt({ ...SETTINGS, drums: 1, prompt: "" }, null), "drums");
});

test("a continuation hears what is before its place; a clip that Live stretches is continued in its own tempo", () => {
    const source = { ...Music.source(CLIP, 124, {}), name: "b" };
    const made = Requests.build({ ...SETTINGS, mode: 1, takes: 3, guidance: 3, lock: 1 }, SET, source, null);
    assert.strictEqual(made.values.clip, "/a/b.wav");
    near(made.values.from_s, 9.5);
    near(made.values.context_s, 9);
    near(made.values.bpm, 120);
    assert.strictEqual(made.asked.follows_set, false);
    assert.strictEqual(made.values.variations, 4);
    assert.strictEqual(made.values.seed, 7);
    assert.strictEqual(made.values.join, "new");
});

test("what cannot be asked for says what to do", () => {
    assert.match(Requests.build({ ...SETTINGS, prompt: " " }, SET).problem, /write what to play, or choose a preset/);
    assert.match(Requests.build({ ...SETTINGS, mode: 1 }, SET).problem, /select an audio clip/);
    assert.match(Requests.build({ ...SETTINGS, mode: 3 }, SET).problem, /set locators/);
    assert.strictEqual(Requests.build({ ...SETTINGS, prompt: "", preset: "Funk" }, SET).values.prompt, " ");
});

const LOCATORS = [{ name: "Intro", beat: 0 }, { name: "Drop = dark, drums | loud", beat: 16 }, { name: "", beat: 48 }, { name: "End", beat: 56 }, { name: "spare", beat: 60 }];

test("locators are the sections of a piece: up to End, within the loop brace, or so many bars of the last", () => {
    const all = Sections.plan(LOCATORS, { on: false }, 4, 8);
    assert.deepStrictEqual([all.text, all.bars, all.beat, all.goes_on], ["Intro:4 | Drop:8=dark, drums , loud | part 3:2 |", 14, 0, false]);
    const part = Sections.plan(LOCATORS, { on: true, start: 8, length: 16 }, 4, 8);
    assert.deepStrictEqual([part.text, part.beat], ["Intro:2 | Drop:2=dark, drums , loud |", 8]);
    assert.strictEqual(Sections.plan(LOCATORS.slice(0, 2), { on: false }, 4, 8).text, "Intro:4 | Drop:8=dark, drums , loud |");
    assert.strictEqual(Sections.plan([{ name: "A", beat: 0 }, { name: "End", beat: 14 }], {}, 3.5, 8).text, "A:4 |");
    assert.match(Sections.plan([{ name: "A", beat: 0 }, { name: "B", beat: 15 }], {}, 4, 8).problem, /A does not last whole bars/);
    assert.match(Sections.plan([], {}, 4, 8).problem, /set locators/);
});

test("a piece goes on from the chosen clip of the arrangement where that ends among the locators", () => {
    const set = { ...SET, locators: LOCATORS };
    const source = { path: "/a/b.wav", name: "b", start_s: 0, end_s: 8, bpm: 124, place: { track: 1, beat: 16 } };
    const made = Requests.build({ ...SETTINGS, mode: 3, takes: 1 }, set, source, null);
    assert.deepStrictEqual(plain(made.values), {
        bpm: 124, beats_per_bar: 4, key: "A minor", variations: 2, seed: 5, play: 1, sections: "Drop:8=dark, drums , loud | part 2:2 |", prompt: "dub techno",
        clip: "/a/b.wav", from_s: 8, context_s: 8, join: "new",
    });
    near(made.asked.total_s, 10 * 4 * 60 / 124);
    assert.ok(Osc.command("arrange", "a", made.values).message);
    for (const other of [{ ...source, place: { track: 1, beat: 56 } }, { ...source, place: { track: 1, slot: 0 } }, null]) {
        const whole = Requests.build({ ...SETTINGS, mode: 3 }, set, other, null);
        assert.deepStrictEqual([whole.values.clip, whole.asked.bars], [undefined, 14]);
    }
    assert.match(Requests.build({ ...SETTINGS, mode: 3, prompt: "" }, set, null, null).problem, /write what to play/);
    const seven = Requests.build({ ...SETTINGS, mode: 3 }, { ...set, numerator: 7, denominator: 8, locators: [{ name: "A", beat: 0 }, { name: "End", beat: 14 }] }, null, null);
    assert.deepStrictEqual([seven.values.sections, seven.values.beats_per_bar, seven.values.beat_unit, seven.asked.bars], ["A:4 |", 7, 8, 4]);
});

test("a locator that is named like a section says which part it is", () => {
    const set = { ...SET, locators: [{ name: "Intro", beat: 0 }, { name: "my bit", beat: 16 }, { name: "Chorus", beat: 32 }] };
    const at = (beat) => Requests.build(SETTINGS, set, null, null, { kind: "arrangement", beat }).values.section;
    assert.strictEqual(at(16), "intro");
    assert.strictEqual(at(40), "chorus");
});

test("a tempo and metre that the daemon does not count in is asked for in seconds", () => {
    const made = Requests.build(SETTINGS, { ...SET, tempo: 420, numerator: 7, denominator: 8 }, null, null);
    assert.strictEqual(made.values.bars, undefined);
    near(made.values.duration_s, 8 * 3.5 * 60 / 420);
});

test("what is measured is shown in one line", () => {
    assert.strictEqual(Words.grid({ bpm: 124.06, asked_bpm: 124, key: "A minor", join_click_db: -31.2 }), "124.06 bpm, A minor, join −31 dB");
    assert.strictEqual(Words.grid({ bpm: 124, downbeat_ms: 3 }), "124.00 bpm, downbeat +3 ms");
    assert.strictEqual(Words.grid({ bpm: 62, asked_bpm: 124, seed: 4 }), "62.00 bpm of 124.00, seed 4");
});

test("every state has a sentence that fits the banner", () => {
    const now = { port: 7770, position: 12, done_s: 300, total_s: 480, rtf: 3, bar_s: 2, bars: 16, takes: 4, duration_s: 31, first_s: 12, model: "a model of mine", message: "" };
    for (const state of ["looking", "absent", "lost", "foreign", "locked", "starting", "down", "paused", "recording", "waiting", "making", "stopping", "done", "stopped", "failed", "ready"]) {
        const said = Words.status({ ...now, state });
        assert.ok(said.text.length * 4.36 / 9.5 * 11 < 246, `${state}: ${said.text}`);
        assert.ok(["idle", "ready", "busy", "good", "bad"].includes(said.mood));
    }
});

test("Live makes clips of files since 11.3.25 and 12.0.5", () => {
    for (const [version, can] of [[[11, 2, 0], false], [[11, 3, 20], false], [[11, 3, 25], true], [[12, 0, 0], false], [[12, 0, 4], false], [[12, 0, 5], true], [[12, 4, 0], true]]) {
        assert.strictEqual(Placing.canMakeClips(version), can, version.join("."));
    }
});
