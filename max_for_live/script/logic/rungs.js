// The ways to bring one file into the set, each of which may fail. Pure but for `live`, see placing.js.
// A way is called with (live, file, length_s, target, index, used, done); `index` counts the takes, `used` is what those before have taken;
// done({ ok, clip, text }) says where it is, or why it is not.
var Rungs = (function () {
    var NEAR = 1e-3; // beats

    function no(text) {
        return { ok: false, text: text };
    }

    // Why audio cannot be put on a track, or "".
    function obstacle(live, track) {
        if (!track || live.ids(live.song(), "tracks").indexOf(track) < 0) {
            return "its track is gone";
        }
        if (!live.get(track, "has_audio_input")) {
            return "its track has no audio clips";
        }
        if (live.get(track, "is_frozen")) {
            return "its track is frozen";
        }
        if (live.get(track, "is_foldable")) {
            return "its track is a group";
        }
        return "";
    }

    // Session: the first empty slot from the remembered one down.
    function intoSlot(live, file, length_s, target, index, used, done) {
        var why = obstacle(live, target.track);
        if (why) {
            done(no(why));
            return;
        }
        emptySlot(live, target.track, target.slot || 0, function (slot, number) {
            if (!slot) {
                done(no("no empty slot"));
                return;
            }
            fillSlot(live, slot, file, length_s, true, function (clip) {
                done(clip ? { ok: true, clip: clip, text: "slot " + (number + 1) + " of " + live.get(target.track, "name") } : no("Live did not take the file into a slot"));
            });
        });
    }

    function emptySlot(live, track, from, found) {
        var slots = live.ids(track, "clip_slots"), i;
        for (i = from; i < slots.length; i++) {
            if (!live.get(slots[i], "has_clip")) {
                found(slots[i], i);
                return;
            }
        }
        live.call(live.song(), "create_scene", -1);
        live.later(function () {
            var now = live.ids(track, "clip_slots");
            if (now.length > slots.length) {
                found(now[now.length - 1], now.length - 1);
            } else {
                found(0, 0);
            }
        });
    }

    // In a slot a clip should loop, and Live loops only warped clips: warped where Live's own guess is exact, else as recorded.
    function fillSlot(live, slot, file, length_s, may_loop, done) {
        live.call(slot, "create_audio_clip", file.path);
        live.later(function () {
            var clip = live.child(slot, "clip"), beats, guess;
            if (!clip || !sameFile(live, clip, file)) {
                done(0);
                return;
            }
            live.set(clip, "name", file.name);
            beats = length_s * live.get(live.song(), "tempo") / 60;
            guess = live.get(clip, "loop_end") - live.get(clip, "loop_start");
            if (may_loop && live.get(clip, "warping") && Math.abs(guess - beats) < 0.01) {
                live.set(clip, "looping", 1);
                done(clip);
                return;
            }
            unwarp(live, clip, function (unwarped) {
                done(unwarped ? clip : 0);
            });
        });
    }

    function unwarp(live, clip, done) {
        var tries = 0;
        function look() {
            if (!live.get(clip, "warping")) {
                done(true);
            } else if (tries++ === 3) {
                done(false);
            } else {
                live.set(clip, "warping", 0);
                live.later(look);
            }
        }
        look();
    }

    function sameFile(live, clip, file) {
        var path = Music.nativePath(String(live.get(clip, "file_path")));
        return path.replace(/\\/g, "/") === file.path.replace(/\\/g, "/");
    }

    // Beats from `beat` on without a clip; Infinity where none follows.
    function room(live, owner, beat) {
        var clips = live.ids(owner, "arrangement_clips"), free = Infinity, i, start, end;
        for (i = 0; i < clips.length; i++) {
            start = Number(live.get(clips[i], "start_time"));
            end = Number(live.get(clips[i], "end_time"));
            if (end > beat + NEAR) {
                free = Math.min(free, start <= beat + NEAR ? 0 : start - beat);
            }
        }
        return free;
    }

    // Arrangement: at the exact beat, only where nothing is. Before something, by way of a slot: a clip made of a file is first as long as
    // Live guesses, and could run over what follows.
    function intoArrangement(live, file, length_s, target, index, used, done) {
        var why = obstacle(live, target.track), free, beats = length_s * live.get(live.song(), "tempo") / 60;
        if (why) {
            done(no(why));
            return;
        }
        if (index && used.arrangement) {
            done(no("the first take is there"));
            return;
        }
        free = room(live, target.track, target.beat);
        if (free < beats - NEAR) {
            done(no("something is there"));
            return;
        }
        function placed(clip) {
            used.arrangement = !!clip;
            done(clip ? { ok: true, clip: clip, text: "beat " + Math.round(target.beat * 100) / 100 + " of " + live.get(target.track, "name") } : no("Live did not take the file"));
        }
        if (free === Infinity) {
            live.call(target.track, "create_audio_clip", file.path, target.beat);
            live.later(function () {
                settle(live, target.track, target.beat, file, placed);
            });
        } else {
            throughSlot(live, file, length_s, target, placed);
        }
    }

    function throughSlot(live, file, length_s, target, placed) {
        emptySlot(live, target.track, 0, function (slot) {
            if (!slot) {
                placed(0);
                return;
            }
            fillSlot(live, slot, file, length_s, false, function (clip) {
                if (!clip) {
                    placed(0);
                    return;
                }
                live.call(target.track, "duplicate_clip_to_arrangement", "id " + clip, target.beat);
                live.later(function () {
                    live.call(slot, "delete_clip");
                    settle(live, target.track, target.beat, file, placed);
                });
            });
        });
    }

    // The new clip, found by where it begins; unwarped, so that it keeps its own time to the sample.
    function settle(live, owner, beat, file, placed) {
        var clips = live.ids(owner, "arrangement_clips"), i;
        for (i = 0; i < clips.length; i++) {
            if (Math.abs(live.get(clips[i], "start_time") - beat) < NEAR && sameFile(live, clips[i], file)) {
                live.set(clips[i], "name", file.name);
                unwarp(live, clips[i], finish(clips[i], placed));
                return;
            }
        }
        placed(0);
    }

    function finish(clip, placed) {
        return function (unwarped) {
            placed(unwarped ? clip : 0);
        };
    }

    // Live 12.2 and later: an alternative beside what is there.
    function intoLane(live, file, length_s, target, index, used, done) {
        var why = obstacle(live, target.track), before;
        if (why) {
            done(no(why));
            return;
        }
        before = live.ids(target.track, "take_lanes");
        live.call(target.track, "create_take_lane");
        live.later(function () {
            var lanes = live.ids(target.track, "take_lanes"), lane = lanes[lanes.length - 1];
            if (lanes.length <= before.length) {
                done(no("Live made no take lane"));
                return;
            }
            live.call(lane, "create_audio_clip", file.path, target.beat);
            live.later(function () {
                settle(live, lane, target.beat, file, function (clip) {
                    done(clip ? { ok: true, clip: clip, text: "take lane " + lanes.length + " of " + live.get(target.track, "name") } : no("Live did not take the file into a lane"));
                });
            });
        });
    }

    function ontoNewTrack(live, file, length_s, target, index, used, done) {
        var before = live.ids(live.song(), "tracks");
        function onto(track) {
            var there = { track: track, slot: 0, beat: target.beat, where: target.where };
            (target.kind === "slot" ? intoSlot : intoArrangement)(live, file, length_s, there, target.kind === "slot" ? index : 0, {}, function (outcome) {
                if (outcome.ok) {
                    outcome.text = "a new track, " + outcome.text;
                }
                done(outcome);
            });
        }
        if (used.track && target.kind === "slot") {
            onto(used.track);
            return;
        }
        live.call(live.song(), "create_audio_track", -1);
        live.later(function () {
            var now = live.ids(live.song(), "tracks"), track = now[now.length - 1];
            if (now.length <= before.length) {
                done(no("Live made no new track"));
                return;
            }
            used.track = track;
            live.set(track, "name", "Inspire");
            onto(track);
        });
    }

    return { intoSlot: intoSlot, intoArrangement: intoArrangement, intoLane: intoLane, ontoNewTrack: ontoNewTrack };
})();
