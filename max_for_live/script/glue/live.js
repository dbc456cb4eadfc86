// Live's object model, as the logic wants it. The only place that makes a LiveAPI.
// A LiveAPI never throws: it prints a line in Max's console and answers with nothing. Every reader here copes with nothing.
var Live = (function () {
    var TICK_MS = 60; // until what was set can be read back
    var tasks = [], fixed = {}, version_read;

    function api(where) {
        if (where === "live_set" || where === "live_app") { // these never change
            fixed[where] = fixed[where] || new LiveAPI(function () {}, where);
            return fixed[where];
        }
        return new LiveAPI(function () {}, typeof where === "number" ? "id " + where : where);
    }

    function idOf(where) {
        return Number(api(where).id) || 0;
    }

    function list(value) {
        return value === undefined || value === null ? [] : value instanceof Array || typeof value === "object" ? Array.prototype.slice.call(value) : [value];
    }

    // One value; a text in several words comes as several values.
    function get(where, property) {
        var values = list(api(where).get(property));
        return values.length > 1 ? values.join(" ") : values[0];
    }

    function text(where, property) {
        var value = get(where, property);
        return value === undefined ? "" : String(value); // a clip named 808 comes as a number
    }

    function number(where, property) {
        return Number(get(where, property)) || 0;
    }

    // "id 3 id 4 …" → [3, 4, …], without the 0 that stands for none.
    function ids(where, property) {
        var values = list(api(where).get(property)), found = [], i;
        for (i = 0; i + 1 < values.length; i += 2) {
            if (values[i] === "id" && Number(values[i + 1])) {
                found.push(Number(values[i + 1]));
            }
        }
        return found;
    }

    function child(where, property) {
        return ids(where, property)[0] || 0;
    }

    function set(where, property, value) {
        api(where).set(property, typeof value === "number" ? Math.round(value * 1e6) / 1e6 : value);
    }

    // At most two arguments. Written out: `apply` on Max's own objects is not to be trusted.
    function call(where, name, first, second) {
        var object = api(where);
        first = typeof first === "number" ? Math.round(first * 1e6) / 1e6 : first;
        second = typeof second === "number" ? Math.round(second * 1e6) / 1e6 : second;
        if (second !== undefined) {
            return object.call(name, first, second);
        }
        return first !== undefined ? object.call(name, first) : object.call(name);
    }

    function song() {
        return idOf("live_set");
    }

    function version() {
        if (!version_read) {
            version_read = [Number(call("live_app", "get_major_version")) || 11, Number(call("live_app", "get_minor_version")) || 0, Number(call("live_app", "get_bugfix_version")) || 0];
        }
        return version_read;
    }

    function path(where) {
        return String(api(where).path).replace(/"/g, "");
    }

    function later(run, ms) {
        var task = new Task(function () {
            tasks.splice(tasks.indexOf(task), 1);
            run();
        });
        tasks.push(task); // a task that nobody holds may be collected before it runs
        task.schedule(ms === undefined ? TICK_MS : ms);
    }

    // Tells of each change of a property. Nothing may be written to Live inside `changed`.
    function observe(where, property, changed) {
        var observer = new LiveAPI(changed, where);
        observer.property = property;
        return observer;
    }

    function since(wanted) {
        return Placing.atLeast(version(), wanted);
    }

    // What the set says of itself, for a request.
    function state() {
        var scene = /scenes (\d+)/.exec(path("live_set view selected_scene"));
        return {
            tempo: number("live_set", "tempo") || 120,
            numerator: number("live_set", "signature_numerator") || 4,
            denominator: number("live_set", "signature_denominator") || 4,
            root_note: number("live_set", "root_note"),
            scale_name: text("live_set", "scale_name"),
            scale_mode: since([12, 0, 5]) ? number("live_set", "scale_mode") : undefined,
            beat: number("live_set", "current_song_time"),
            is_playing: number("live_set", "is_playing") === 1,
            brace: { on: number("live_set", "loop") === 1, start: number("live_set", "loop_start"), length: number("live_set", "loop_length") },
            scene: scene ? Number(scene[1]) : 0,
            in_arrangement: text("live_app view", "focused_document_view") === "Arranger"
        };
    }

    function locators() {
        var points = ids("live_set", "cue_points"), found = [], i;
        for (i = 0; i < points.length; i++) {
            found.push({ name: text(points[i], "name"), beat: number(points[i], "time") });
        }
        return found.sort(function (a, b) {
            return a.beat - b.beat;
        });
    }

    // The track that the device is on: 0 on the master or a return, where no clip can be.
    function ownTrack() {
        var found = /^live_set tracks \d+/.exec(path("this_device"));
        return found ? idOf(found[0]) : 0;
    }

    // The clip that is shown below, else the one that plays on the device's track: its id, or 0 where it holds no audio.
    function chosenClip() {
        var clip = child("live_set view", "detail_clip"), track, playing, slots;
        if (!clip || !number(clip, "is_audio_clip")) {
            track = ownTrack();
            playing = track ? number(track, "playing_slot_index") : -1;
            slots = track && playing >= 0 ? ids(track, "clip_slots") : [];
            clip = slots[playing] ? child(slots[playing], "clip") : 0;
        }
        return clip && number(clip, "is_audio_clip") ? clip : 0;
    }

    // What Music.source reads, and where the clip is: { track, slot } or { track, beat }.
    function clip(id) {
        var names = ["loop_start", "loop_end", "start_marker", "end_marker", "start_time", "end_time", "sample_length", "sample_rate"], shown = {}, where, i;
        for (i = 0; i < names.length; i++) {
            shown[names[i]] = number(id, names[i]);
        }
        shown.warping = number(id, "warping") === 1;
        shown.looping = number(id, "looping") === 1;
        shown.is_session = number(id, "is_arrangement_clip") !== 1;
        shown.file_path = text(id, "file_path");
        shown.name = text(id, "name") || shown.file_path.replace(/^.*[\/\\]/, "");
        shown.warp_markers = shown.warping ? text(id, "warp_markers") : "";
        where = path(id);
        shown.track = idOf((/^live_set tracks \d+/.exec(where) || ["live_set tracks -1"])[0]);
        shown.slot = (/clip_slots (\d+)/.exec(where) || [])[1];
        shown.slot = shown.slot === undefined ? undefined : Number(shown.slot);
        return shown;
    }

    // What stands in the JSON file beside a sound, about its making: {} where it cannot be read. Numbers and names in ASCII only.
    function facts(path) {
        var file = new File(path.replace(/\.[^.]*$/, ".json"), "read"), text = "", piece, sidecar, found;
        if (!file.isopen) {
            return {};
        }
        do {
            piece = file.readstring(4096) || "";
            text += piece;
        } while (piece.length && text.length < 65536);
        file.close();
        try {
            sidecar = JSON.parse(text);
            found = sidecar.engine || {};
            found.first_chunk_s = sidecar.timings ? sidecar.timings.first_chunk_s : undefined; // as the client waited, not as the engine worked
            return found;
        } catch (error) {
            return {};
        }
    }

    // A folder that is there for certain and can be written to: the saved set's. "" where it is not saved, or this Live does not say.
    function setFolder() {
        return since(version()[0] === 11 ? [11, 3, 25] : [12, 0, 5]) ? Music.nativePath(text("live_set", "file_path")).replace(/[^\/\\]*$/, "") : "";
    }

    function stop() {
        var i;
        for (i = 0; i < tasks.length; i++) {
            tasks[i].cancel();
        }
        tasks = [];
    }

    return {
        get: get, ids: ids, child: child, set: set, call: call, song: song, version: version, later: later, observe: observe, state: state, locators: locators,
        ownTrack: ownTrack, chosenClip: chosenClip, clip: clip, facts: facts, setFolder: setFolder, stop: stop
    };
})();
