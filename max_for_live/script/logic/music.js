// Bars, beats, seconds and keys. Pure. "Beats" are Live's: quarter notes, whatever the signature.
var Music = (function () {
    var ROOTS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    var MAX_BPM = 400, MAX_BEATS_PER_BAR = 16; // the daemon's
    var CONTEXT_S = 30; // the most that the daemon listens back

    // A signature as the daemon counts it: bpm is quarter notes in every metre. It knows no whole notes: 2/1 is 8/4.
    function metre(tempo, numerator, denominator) {
        var quarters = numerator * 4 / denominator, unit = denominator === 1 ? 4 : denominator, beats = quarters * unit / 4;
        return {
            bpm: tempo,
            beats_per_bar: beats,
            beat_unit: unit,
            quarters_per_bar: quarters,
            bar_s: quarters * 60 / tempo,
            fits: tempo >= 20 && tempo <= MAX_BPM && beats <= MAX_BEATS_PER_BAR && quarters <= MAX_BEATS_PER_BAR && unit <= 16
        };
    }

    // "A minor", or "" where it is neither major nor minor, or nobody has chosen it. `scale_mode`: 1, 0, or undefined before Live 12.0.5,
    // where C major is also what a set says in which no one ever chose a key.
    function key(root, scale, scale_mode) {
        var mode = { Major: "major", Minor: "minor" }[scale];
        if (!mode || ROOTS[root] === undefined || scale_mode === 0 || (scale_mode === undefined && root === 0 && mode === "major")) {
            return "";
        }
        return ROOTS[root] + " " + mode;
    }

    // Live's warp markers, as the JSON text it gives, in order of beats. [] where it is none.
    function markers(text) {
        var read, list;
        try {
            read = JSON.parse(text);
        } catch (error) {
            return [];
        }
        list = (read && read.warp_markers) || [];
        return list.slice().sort(function (a, b) {
            return a.beat_time - b.beat_time;
        });
    }

    function span(list, beat) {
        var i = 1;
        while (i < list.length - 1 && list[i].beat_time < beat) {
            i++;
        }
        return [list[i - 1], list[i]];
    }

    // Seconds in the file at a beat of the clip; the outer markers' tempo goes on beyond them.
    function secondsAt(list, beat) {
        var pair = span(list, beat), a = pair[0], b = pair[1];
        return a.sample_time + (beat - a.beat_time) * (b.sample_time - a.sample_time) / (b.beat_time - a.beat_time);
    }

    // The file's own tempo around a beat.
    function tempoAt(list, beat) {
        var pair = span(list, beat);
        return 60 * (pair[1].beat_time - pair[0].beat_time) / (pair[1].sample_time - pair[0].sample_time);
    }

    // What of a clip is the source. `clip`: Live's properties by name. `brace`: { on, start, length } in beats of the song.
    // → { path, start_s, end_s, file_s, bpm (of the file, or the song's), end_beat (in the song; arrangement only), in_session }
    // or { problem }.
    function source(clip, tempo, brace) {
        var list = clip.warping ? markers(clip.warp_markers) : [], warped = list.length > 1;
        var start = clip.loop_start, end = clip.loop_end, end_beat = clip.end_time, from, to;
        if (clip.warping && !warped) {
            return { problem: "Live does not give this clip's warp markers" };
        }
        if (!clip.looping && clip.is_session) {
            start = clip.start_marker;
            end = clip.end_marker;
        }
        if (!clip.is_session) {
            from = clip.start_time;
            to = clip.end_time;
            if (brace && brace.on && brace.start < to && brace.start + brace.length > from) {
                from = Math.max(from, brace.start);
                to = Math.min(to, brace.start + brace.length);
            }
            end_beat = to;
            start = inClip(clip, from, tempo, false);
            end = inClip(clip, to, tempo, true);
            if (end <= start) { // it went round: what it repeats
                start = clip.loop_start;
                end = clip.loop_end;
            }
        }
        return placed(clip, warped ? secondsAt(list, start) : start, warped ? secondsAt(list, end) : end, {
            bpm: warped ? tempoAt(list, (start + end) / 2) : tempo,
            end_beat: clip.is_session ? undefined : end_beat
        });
    }

    // Where in the clip a beat of the song is: in beats when warped, in seconds when not.
    function inClip(clip, beat, tempo, is_end) {
        var first = clip.looping ? clip.start_marker : clip.loop_start, length = clip.loop_end - clip.loop_start;
        var at = first + (beat - clip.start_time) * (clip.warping ? 1 : 60 / tempo);
        if (clip.looping && length > 0 && (at > clip.loop_end || (at === clip.loop_end && !is_end))) {
            at = clip.loop_start + (at - clip.loop_start) % length;
            if (is_end && at === clip.loop_start) {
                at = clip.loop_end;
            }
        }
        return at;
    }

    function placed(clip, start_s, end_s, more) {
        var file_s = clip.sample_length / clip.sample_rate;
        start_s = Math.max(0, start_s);
        end_s = Math.min(end_s, file_s || end_s); // an end marker may lie behind the file's end
        if (!clip.file_path) {
            return { problem: "this clip has no file yet: save the set first" };
        }
        if (!(end_s - start_s > 0.05)) {
            return { problem: "there is no sound in this part of the clip" };
        }
        return {
            path: nativePath(clip.file_path),
            name: clip.name,
            start_s: start_s,
            end_s: end_s,
            file_s: file_s || end_s,
            bpm: more.bpm,
            end_beat: more.end_beat,
            in_session: clip.is_session
        };
    }

    function contextSeconds(source) {
        return Math.min(CONTEXT_S, Math.max(1, source.end_s - source.start_s));
    }

    // Older Max writes "Macintosh HD:/Users/…", Windows "C:\…": as the system itself writes it.
    function nativePath(path) {
        return String(path).replace(/^[^\/\\:]{2,}:(?=\/)/, "");
    }

    // For Max's own objects: slashes lean forward on Windows too.
    function maxPath(path) {
        return /^[A-Za-z]:\\/.test(path) ? path.replace(/\\/g, "/") : path;
    }

    // Labels of `marks` equal parts of `bars` bars, the first of which is bar `first` of the song.
    function ruler(first, bars, marks) {
        var labels = [], i, bar, step = bars / marks;
        for (i = 0; i < marks; i++) {
            bar = i * step;
            labels.push(bar === Math.floor(bar) ? String(first + bar) : step >= 0.25 && bars > 1 ? "·" : "");
        }
        return labels;
    }

    // Bars of the song, counted from 1, at a beat; a fraction where it is inside a bar.
    function barAt(beat, quarters_per_bar) {
        return beat / quarters_per_bar + 1;
    }

    // Milliseconds until the song's next bar.
    function untilBar(beat, tempo, quarters_per_bar) {
        var into = beat % quarters_per_bar;
        return (into < 1e-6 ? 0 : quarters_per_bar - into) * 60000 / tempo;
    }

    return {
        metre: metre, key: key, markers: markers, secondsAt: secondsAt, tempoAt: tempoAt, source: source, contextSeconds: contextSeconds,
        nativePath: nativePath, maxPath: maxPath, ruler: ruler, barAt: barAt, untilBar: untilBar
    };
})();
