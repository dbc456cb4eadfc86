// Results into a set, version by version, against the stand-in for Live.
"use strict";
const test = require("node:test");
const assert = require("node:assert");
const { Max } = require("./max.js");
const { Live, TICK_MS } = require("./live_object_model.js");

const PROFILES = ["11.2.0", "11.3.25", "12.0.0", "12.0.5", "12.2.0", "12.4.0"];
const CAN = new Set(["11.3.25", "12.0.5", "12.2.0", "12.4.0"]);
const LANES = new Set(["12.2.0", "12.4.0"]);
const FILES = ["a", "b", "c", "d"].map((name) => ({ path: `/music/${name}.wav`, name: name.toUpperCase() }));
const SECONDS = 8; // 16 beats at 120

function stage(version, options = {}) {
    const live = new Live(version, { file_s: Object.fromEntries(FILES.map((file) => [file.path, SECONDS])), ...options });
    live.devicePath = "live_set tracks 0 devices 0";
    live.ready = true;
    const track = live.addTrack("808");
    const max = new Max(live);
    // The script's own adapter, so that what is tested is what runs.
    const { Placing, adapter } = require("node:vm").runInContext("({ Placing: Placing, adapter: Live })", max.context);
    const place = (files, target) => new Promise((done) => Placing.place(adapter, files, SECONDS, target, (placed) => setTimeout(() => done(JSON.parse(JSON.stringify(placed))), 3 * TICK_MS)));
    const end = () => max.free();
    return { live, track, place, end, Placing };
}

function clipsOf(live, owner) {
    return owner.props.arrangement_clips.map((id) => live.objects.get(id));
}

function slotsOf(live, track) {
    return track.props.clip_slots.map((id) => live.objects.get(id)).map((slot) => (slot.props.has_clip ? live.objects.get(slot.props.clip) : null));
}

function unharmed(live) {
    assert.deepStrictEqual([...live.objects.values()].filter((object) => object.type === "Clip" && object.harmed).map((clip) => clip.props.name), []);
}

for (const version of PROFILES) {
    test(`${version}: four takes into four empty slots below the source, or the folder`, async () => {
        const { live, track, place, end } = stage(version);
        live.addClip(live.objects.get(track.props.clip_slots[1]), {});
        const placed = await place(FILES, { where: 0, kind: "slot", track: track.id, slot: 2 });
        if (CAN.has(version)) {
            assert.deepStrictEqual(placed.map((one) => one.text), ["slot 3 of 808", "slot 4 of 808", "slot 5 of 808", "slot 6 of 808"]);
            assert.deepStrictEqual(slotsOf(live, track).map((clip) => clip && clip.props.name), [null, "clip", "A", "B", "C", "D"]);
            assert.ok(slotsOf(live, track).slice(2).every((clip) => clip.props.looping && clip.props.warping), "a clip that Live has warped right loops");
        } else {
            assert.ok(placed.every((one) => !one.ok && one.reveal));
            assert.strictEqual(live.calls.filter(([, name]) => name.startsWith("create")).length, 0, "nothing is tried that this Live does not have");
        }
        assert.deepStrictEqual(live.console, [], "not one line of error in Max's console");
        end();
    });
}

for (const version of [...CAN]) {
    test(`${version}: at the exact beat of an empty arrangement, unwarped`, async () => {
        const { live, track, place, end } = stage(version);
        live.addClip(track, { name: "before", start_time: 0, end_time: 32 });
        const [placed] = await place([FILES[0]], { where: 0, kind: "arrangement", track: track.id, beat: 32 });
        assert.ok(placed.ok, placed.text);
        const clip = clipsOf(live, track)[1];
        assert.deepStrictEqual([clip.props.start_time, clip.props.end_time, clip.props.warping, clip.props.name], [32, 48, false, "A"]);
        unharmed(live);
        assert.deepStrictEqual(live.console, []);
        end();
    });

    test(`${version}: before something, with a Live that guesses twice the length: what follows is not touched`, async () => {
        const { live, track, place, end } = stage(version, { guess: (seconds, tempo) => seconds * tempo / 30 });
        live.addClip(track, { name: "after", start_time: 48, end_time: 64 });
        const [placed] = await place([FILES[0]], { where: 0, kind: "arrangement", track: track.id, beat: 32 });
        assert.ok(placed.ok, placed.text);
        unharmed(live);
        assert.deepStrictEqual(clipsOf(live, track).map((clip) => [clip.props.start_time, clip.props.end_time]), [[48, 64], [32, 48]]);
        assert.ok(slotsOf(live, track).every((clip) => !clip), "the slot that helped is empty again");
        end();
    });

    test(`${version}: where something is, a take lane or a new track, never over it`, async () => {
        const { live, track, place, end } = stage(version);
        live.addClip(track, { name: "there", start_time: 30, end_time: 100 });
        const [placed] = await place([FILES[0]], { where: 0, kind: "arrangement", track: track.id, beat: 32 });
        assert.ok(placed.ok, placed.text);
        unharmed(live);
        assert.match(placed.text, LANES.has(version) ? /^take lane 1 of 808/ : /^a new track, beat 32 of Inspire/);
        end();
    });

    test(`${version}: a MIDI track, a frozen one, one that is gone: onto a new track`, async () => {
        for (const change of [{ has_audio_input: false }, { is_frozen: true }, { is_foldable: true }, null]) {
            const { live, track, place, end } = stage(version);
            if (change) Object.assign(track.props, change);
            else live.song.props.tracks = [];
            const placed = await place(FILES.slice(0, 2), { where: 0, kind: "slot", track: track.id, slot: 0 });
            assert.deepStrictEqual(placed.map((one) => one.text), ["a new track, slot 1 of Inspire", "a new track, slot 2 of Inspire"]);
            assert.deepStrictEqual(live.console, []);
            end();
        }
    });

    test(`${version}: a file that Live cannot read is said, and nothing is left behind`, async () => {
        const { live, track, place, end } = stage(version);
        const [placed] = await place([{ path: "/music/gone.wav", name: "x" }], { where: 1, kind: "slot", track: track.id, slot: 0 });
        assert.ok(!placed.ok && placed.reveal);
        assert.match(placed.text, /did not take the file/);
        assert.ok(slotsOf(live, track).every((clip) => !clip));
        end();
    });
}

test("12.4: a new clip that Live warps wrongly is unwarped; one that it does not warp stays", async () => {
    for (const options of [{ guess: () => 13.7 }, { warps: false }]) {
        const { live, track, place, end } = stage("12.4.0", options);
        const [placed] = await place([FILES[0]], { where: 1, kind: "slot", track: track.id, slot: 0 });
        assert.ok(placed.ok, placed.text);
        const clip = slotsOf(live, track)[0];
        assert.deepStrictEqual([clip.props.warping, clip.props.loop_end], [false, SECONDS]);
        end();
    }
});

test("12.4: take lanes for every take when asked for", async () => {
    const { live, track, place, end } = stage("12.4.0");
    const placed = await place(FILES.slice(0, 3), { where: 3, kind: "arrangement", track: track.id, beat: 8 });
    assert.deepStrictEqual(placed.map((one) => one.text), ["take lane 1 of 808", "take lane 2 of 808", "take lane 3 of 808"]);
    assert.strictEqual(clipsOf(live, track).length, 0);
    end();
});

test("the stand-in loses what lies behind the middle of a clip, as Live does: the tests above can fail", () => {
    const live = new Live("12.4.0", { file_s: { "/x.wav": 8 } });
    live.ready = true;
    const track = live.addTrack("t");
    const there = live.addClip(track, { start_time: 0, end_time: 100 });
    const { liveApi } = require("./live_object_model.js");
    new (liveApi(live))(null, "live_set tracks 0").call("create_audio_clip", "/x.wav", 32);
    assert.deepStrictEqual([there.harmed, there.props.end_time], [true, 32]);
});
