// A stand-in for Live that is as strict as Live: members by version (tables/lom.json), errors that are printed and not thrown, writes
// that are seen a tick later, nothing written inside an observer's call, and what lies behind a clip lost where another is made over its middle.
"use strict";
const fs = require("fs");
const path = require("path");

const LOM = JSON.parse(fs.readFileSync(path.join(__dirname, "..", "tables", "lom.json"), "utf8"));
const TICK_MS = 5;
const SUFFIX = { Song: "live_set", "Song.View": "live_set view", Application: "live_app", "Application.View": "live_app view" };

function parts(version) {
    return version.split(".").map(Number);
}

function compare(a, b) {
    const [x, y] = [parts(a), parts(b)];
    for (let i = 0; i < 3; i++) {
        if ((x[i] || 0) !== (y[i] || 0)) return (x[i] || 0) - (y[i] || 0);
    }
    return 0;
}

const LAST = LOM.versions[LOM.versions.length - 1];

// Live 11 and 12 were developed side by side: what 11.3.25 brought is not in 12.0.0. The table's spans follow the list of versions, so that a
// span from 11.3.25 to 12.3.6 holds in 12.0.0 too, which release notes deny for what came with 12.0.5.
const NOT_IN_12_0_0 = new Set(["Song.file_path", "Song.name", "Track.create_audio_clip", "ClipSlot.create_audio_clip"]);

class Live {
    constructor(version, options = {}) {
        this.version = version;
        this.console = [];
        this.guess = options.guess || ((seconds, tempo) => seconds * tempo / 60); // beats that Live takes a new file to last
        this.warps = options.warps === undefined ? true : options.warps; // whether a new clip is warped
        this.file_s = options.file_s || {}; // seconds by path: a file that is not here cannot be read
        this.objects = new Map();
        this.pending = [];
        this.observers = [];
        this.inObserver = false;
        this.ready = false;
        this.calls = [];
        this.song = this.make("Song", "live_set", { tempo: 120, signature_numerator: 4, signature_denominator: 4, root_note: 0, scale_name: "Major", scale_mode: false, current_song_time: 0, is_playing: false, loop: false, loop_start: 0, loop_length: 16, tracks: [], scenes: [], cue_points: [], return_tracks: [], file_path: "" });
        this.view = this.make("Song.View", "live_set view", { detail_clip: 0, selected_scene: 0, selected_track: 0, highlighted_clip_slot: 0 });
        this.app = this.make("Application", "live_app", {});
        this.appView = this.make("Application.View", "live_app view", { focused_document_view: options.focus || "Session" });
        for (let i = 0; i < 4; i++) this.addScene();
        this.view.props.selected_scene = this.song.props.scenes[0];
    }

    make(type, objectPath, props) {
        const object = { id: this.objects.size + 1, type, path: objectPath, props };
        this.objects.set(object.id, object);
        return object;
    }

    error(text) {
        this.console.push(text);
    }

    addScene() {
        const scene = this.make("Scene", null, { name: "", clip_slots: [] });
        this.song.props.scenes.push(scene.id);
        for (const id of this.song.props.tracks) this.addSlot(this.objects.get(id));
        return scene;
    }

    addSlot(track) {
        const slot = this.make("ClipSlot", null, { has_clip: false, clip: 0, is_group_slot: false });
        slot.track = track.id;
        track.props.clip_slots.push(slot.id);
    }

    addTrack(name, props = {}) {
        const track = this.make("Track", null, { name, clip_slots: [], arrangement_clips: [], take_lanes: [], has_audio_input: true, is_frozen: false, is_foldable: false, playing_slot_index: -1, ...props });
        this.song.props.tracks.push(track.id);
        for (let i = 0; i < this.song.props.scenes.length; i++) this.addSlot(track);
        return track;
    }

    addClip(owner, props) {
        const seconds = props.seconds || 8;
        const clip = this.make("Clip", null, {
            name: "clip", file_path: "/samples/clip.wav", is_audio_clip: true, is_arrangement_clip: owner.type !== "ClipSlot", warping: true, looping: owner.type === "ClipSlot",
            loop_start: 0, loop_end: 16, start_marker: 0, end_marker: 16, start_time: 0, end_time: 16, sample_length: seconds * 48000, sample_rate: 48000,
            warp_markers: JSON.stringify({ warp_markers: [{ sample_time: 0, beat_time: 0 }, { sample_time: 8, beat_time: 16 }, { sample_time: 8.015625, beat_time: 16.03125 }] }), ...props,
        });
        clip.owner = owner.id;
        if (owner.type === "ClipSlot") {
            owner.props.has_clip = true;
            owner.props.clip = clip.id;
        } else {
            owner.props.arrangement_clips.push(clip.id);
        }
        return clip;
    }

    addLane(track) {
        const lane = this.make("TakeLane", null, { name: "", arrangement_clips: [] });
        lane.track = track.id;
        track.props.take_lanes.push(lane.id);
        return lane;
    }

    // Where an object stands now: it moves when something before it goes.
    pathOf(object) {
        const p = this.song.props;
        if (object.path) return object.path;
        if (object.type === "Track") return p.tracks.includes(object.id) ? `live_set tracks ${p.tracks.indexOf(object.id)}` : "";
        if (object.type === "Scene") return `live_set scenes ${p.scenes.indexOf(object.id)}`;
        if (object.type === "CuePoint") return `live_set cue_points ${p.cue_points.indexOf(object.id)}`;
        const owner = this.objects.get(object.track || object.owner);
        if (object.type === "ClipSlot") return `${this.pathOf(owner)} clip_slots ${owner.props.clip_slots.indexOf(object.id)}`;
        if (object.type === "TakeLane") return `${this.pathOf(owner)} take_lanes ${owner.props.take_lanes.indexOf(object.id)}`;
        if (owner.type === "ClipSlot") return `${this.pathOf(owner)} clip`;
        return `${this.pathOf(owner)} arrangement_clips ${owner.props.arrangement_clips.indexOf(object.id)}`;
    }

    find(where) {
        const byId = /^id (\d+)$/.exec(where);
        if (byId) return this.objects.get(Number(byId[1]));
        if (where === "this_device") return { id: 9999, type: "Device", path: this.devicePath, props: {} };
        const fixed = Object.keys(SUFFIX).find((type) => SUFFIX[type] === where);
        if (fixed) return [...this.objects.values()].find((object) => object.path === where);
        if (where === "live_set view selected_scene") return this.objects.get(this.view.props.selected_scene);
        return [...this.objects.values()].find((object) => !object.gone && !object.path && this.pathOf(object) === where);
    }

    member(type, name) {
        const spans = (LOM.classes[type] || { members: {} }).members[name];
        if (!spans) return null;
        if (this.version.startsWith("12.0.0") && NOT_IN_12_0_0.has(`${type}.${name}`)) return null;
        const asked = compare(this.version, LAST) > 0 ? LAST : this.version;
        const span = spans.find(([from, to]) => compare(asked, from) >= 0 && compare(asked, to) <= 0);
        return span ? { kind: span[2], detail: span[3], type: span[4] } : null;
    }

    flush() {
        const now = this.pending.splice(0);
        for (const write of now) write();
    }

    write(action) {
        this.pending.push(action);
        setTimeout(() => this.flush(), TICK_MS);
    }

    change(object, name, value) {
        object.props[name] = value;
        this.tell(object, name);
    }

    tell(object, name) {
        for (const api of this.observers) if (api.target() === object && api.watched === name) api.notify();
    }
}

// Makes the class LiveAPI of one Live.
function liveApi(live) {
    return class LiveAPI {
        constructor(callback, where) {
            if (typeof callback === "string") [callback, where] = [null, callback];
            if (!live.ready) throw new Error("LiveAPI before live.thisdevice's bang");
            this.callback = callback;
            this.where = where;
            if (!this.target() || !this.target().id) this.where = null;
        }

        target() {
            return this.where ? live.find(this.where) : undefined;
        }

        get id() {
            const target = this.target();
            return target ? String(target.id) : "0"; // Max gives a text
        }

        get path() {
            const target = this.target();
            return target ? `"${live.pathOf(target)}"` : '""';
        }

        set property(name) {
            this.watched = name;
            const target = this.target();
            const member = target && live.member(target.type, name);
            if (!member || !String(member.detail).includes("observe")) return live.error(`property cannot be listened to: ${name}`);
            live.observers.push(this);
            this.notify();
        }

        notify() {
            live.inObserver = true;
            try {
                if (this.callback) this.callback([this.watched, ...this.get(this.watched)]);
            } finally {
                live.inObserver = false;
            }
        }

        get(name) {
            const target = this.target();
            if (!target || target.gone) return live.error(`get ${name}: no valid object set`);
            const member = live.member(target.type, name);
            if (!member || member.kind !== "p") return live.error(`${target.type} has no property ${name} in ${live.version}`);
            const value = target.props[name];
            if (value === undefined) throw new Error(`the stand-in does not have ${target.type}.${name}`);
            if (Array.isArray(value)) return value.flatMap((id) => ["id", id]);
            if (["clip", "detail_clip", "selected_scene", "selected_track", "highlighted_clip_slot"].includes(name)) return ["id", value];
            if (typeof value === "boolean") return [value ? 1 : 0];
            // What looks like a number comes as one.
            return [typeof value === "string" && value.trim() !== "" && isFinite(value) ? Number(value) : value];
        }

        set(name, value) {
            if (live.inObserver) throw new Error(`set ${name} inside an observer's call`);
            const target = this.target();
            if (!target || target.gone) return live.error(`set ${name}: no valid object set`);
            const member = live.member(target.type, name);
            if (!member || member.kind !== "p") return live.error(`${target.type} has no property ${name} in ${live.version}`);
            if (!member.detail.includes("set")) return live.error(`${target.type}.${name} cannot be set`);
            if (/e-/.test(String(value)) && typeof value === "number") return live.error(`cannot read ${value}`);
            if (["int", "bool", "long"].includes(member.type) && (typeof value !== "number" || value !== Math.round(value))) return live.error(`${name}: wrong type`);
            if (member.type === "float" && typeof value !== "number") return live.error(`${name}: wrong type`);
            live.write(() => setProperty(live, target, name, member.type === "bool" ? value !== 0 : value));
        }

        call(name, ...given) {
            if (live.inObserver) throw new Error(`call ${name} inside an observer's call`);
            const target = this.target();
            if (!target || target.gone) return live.error(`call ${name}: no valid object set`);
            const member = live.member(target.type, name);
            if (!member || member.kind !== "f") return live.error(`${target.type} has no function ${name} in ${live.version}`);
            const [most, optional] = member.detail;
            if (given.length > most || given.length < most - optional) return live.error(`${name}: wrong number of arguments`);
            live.calls.push([target.type, name, ...given]);
            if (!FUNCTIONS[name]) throw new Error(`the stand-in does not do ${target.type}.${name}`);
            return FUNCTIONS[name](live, target, ...given);
        }
    };
}

function setProperty(live, target, name, value) {
    live.change(target, name, value);
    if (target.type === "Clip" && name === "warping" && !value) {
        const seconds = target.props.sample_length / target.props.sample_rate;
        Object.assign(target.props, { looping: false, loop_start: 0, loop_end: seconds, start_marker: 0, end_marker: seconds });
        if (target.props.is_arrangement_clip) {
            target.props.end_time = target.props.start_time + seconds * live.song.props.tempo / 60;
            overwrite(live, live.objects.get(target.owner), target);
        }
    }
}

function newClip(live, owner, file, beat) {
    const seconds = live.file_s[file];
    if (!/^(\/|[A-Za-z]:[\/\\])/.test(file)) return live.error(`create_audio_clip: ${file} is no absolute path`);
    if (seconds === undefined) return live.error(`create_audio_clip: ${file} cannot be read`);
    const beats = live.warps ? live.guess(seconds, live.song.props.tempo) : seconds;
    const clip = live.addClip(owner, {
        name: file.replace(/^.*\//, ""), file_path: file, seconds, warping: live.warps, loop_start: 0, loop_end: beats, start_marker: 0, end_marker: beats,
        start_time: beat || 0, end_time: (beat || 0) + (live.warps ? beats : seconds * live.song.props.tempo / 60),
    });
    if (beat !== undefined) overwrite(live, owner, clip);
    return clip;
}

// A clip over the middle of another: all that lies behind its beginning is lost. Over a beginning: that is trimmed.
function overwrite(live, owner, clip) {
    const [start, end] = [clip.props.start_time, clip.props.end_time];
    owner.props.arrangement_clips = owner.props.arrangement_clips.filter((id) => {
        const other = live.objects.get(id);
        if (other === clip || other.props.end_time <= start || other.props.start_time >= end) return true;
        other.harmed = true;
        if (other.props.start_time < start) {
            other.props.end_time = start;
            return true;
        }
        if (other.props.end_time > end) {
            other.props.start_time = end;
            return true;
        }
        other.gone = true;
        return false;
    });
}

function returned(live, object) {
    return object && compare(live.version, "12.2.0") >= 0 ? ["id", object.id] : undefined;
}

const FUNCTIONS = {
    get_major_version: (live) => parts(live.version)[0],
    get_minor_version: (live) => parts(live.version)[1],
    get_bugfix_version: (live) => parts(live.version)[2] || 0,
    create_scene: (live) => void live.write(() => live.addScene()),
    create_audio_track: (live) => void live.write(() => live.addTrack("Audio")),
    create_take_lane: (live, track) => void live.write(() => live.addLane(track)),
    delete_clip(live, slot) {
        if (!slot.props.has_clip) return live.error("delete_clip: the slot is empty");
        live.objects.get(slot.props.clip).gone = true;
        Object.assign(slot.props, { has_clip: false, clip: 0 });
    },
    create_audio_clip(live, owner, file, beat) {
        const track = owner.type === "Track" ? owner : live.objects.get(owner.track);
        if (!track.props.has_audio_input) return live.error("create_audio_clip: not an audio track");
        if (track.props.is_frozen) return live.error("create_audio_clip: the track is frozen");
        if (owner.type === "ClipSlot" && owner.props.has_clip) return live.error("create_audio_clip: the slot is taken");
        if (owner.type !== "ClipSlot" && !(beat >= 0 && beat <= 1576800)) return live.error("create_audio_clip: position out of range");
        return returned(live, newClip(live, owner, file, owner.type === "ClipSlot" ? undefined : beat));
    },
    duplicate_clip_to_arrangement(live, track, clipId, beat) {
        const clip = live.find(String(clipId));
        if (!clip || clip.gone) return live.error("duplicate_clip_to_arrangement: no such clip");
        if (clip.props.is_arrangement_clip) throw new Error("this crashes Live");
        const beats = clip.props.warping ? clip.props.loop_end - clip.props.loop_start : (clip.props.loop_end - clip.props.loop_start) * live.song.props.tempo / 60;
        const copy = live.addClip(track, { ...clip.props, seconds: clip.props.sample_length / clip.props.sample_rate, is_arrangement_clip: true, start_time: beat, end_time: beat + beats });
        overwrite(live, track, copy);
        return ["id", copy.id];
    },
};

module.exports = { Live, liveApi, TICK_MS };
