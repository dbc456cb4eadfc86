// Brings takes into the set, never over anything that is there. Pure but for `live`: get, set, call, ids, path_of, version, later(fn).
// Live throws nothing into JavaScript and applies what is set a tick later: every step is believed only when read back.
//
// The ladder: the place that was remembered when the request was made, a take lane beside it, a new track, and where Live
// cannot do any of it, the file's folder.
var Placing = (function () {
    var AUTO = 0, SLOT = 1, ARRANGEMENT = 2, LANE = 3, NEW_TRACK = 4;

    function atLeast(version, wanted) {
        var i;
        for (i = 0; i < wanted.length; i++) {
            if ((version[i] || 0) !== wanted[i]) {
                return (version[i] || 0) > wanted[i];
            }
        }
        return true;
    }

    // Live can make a clip of a file since 11.3.25 and since 12.0.5, but not in 12.0.0 to 12.0.4.
    function canMakeClips(version) {
        return version[0] === 11 ? atLeast(version, [11, 3, 25]) : atLeast(version, [12, 0, 5]);
    }

    // Where a result is to go, remembered when it is asked for. `source`: { track, slot } or { track, beat }, or nothing;
    // `own`: the device's track; `at`: { scene, beat, in_arrangement } as Live stands now.
    function target(where, source, own, at) {
        var found = { where: where, track: own, slot: at.scene, beat: at.beat, kind: at.in_arrangement ? "arrangement" : "slot" };
        if (source && source.track) {
            found.track = source.track;
            if (source.slot !== undefined) {
                found.kind = "slot";
                found.slot = source.slot + 1;
            } else {
                found.kind = "arrangement";
                found.beat = source.beat;
            }
        }
        if (where === SLOT) {
            found.kind = "slot";
        } else if (where === ARRANGEMENT || where === LANE) {
            found.kind = "arrangement";
        }
        return found;
    }

    // Whether every take finds a place of its own without new tracks: in slots, or in take lanes.
    function takesAll(version, target) {
        return target.kind === "slot" || target.where === NEW_TRACK || atLeast(version, [12, 2]);
    }

    // Puts `files` ([{ path, name }]) of `length_s` seconds where `target` says. Then calls done([{ ok, text, reveal }, …]), one for each.
    function place(live, files, length_s, target, done) {
        var outcomes = [], steps = rungs(live, target), used = {};
        function next(index) {
            if (index === files.length) {
                done(outcomes);
                return;
            }
            climb(live, steps, files[index], length_s, target, index, used, function (outcome) {
                outcomes.push(outcome);
                next(index + 1);
            });
        }
        next(0);
    }

    function rungs(live, target) {
        var version = live.version(), steps = [];
        if (!canMakeClips(version)) {
            return steps;
        }
        if (target.where !== NEW_TRACK) {
            if (target.where !== LANE) {
                steps.push(target.kind === "slot" ? Rungs.intoSlot : Rungs.intoArrangement);
            }
            if (target.kind !== "slot" && atLeast(version, [12, 2])) {
                steps.push(Rungs.intoLane);
            }
        }
        steps.push(Rungs.ontoNewTrack);
        return steps;
    }

    function climb(live, steps, file, length_s, target, index, used, done) {
        var reasons = [];
        function attempt(rung) {
            if (rung === steps.length) {
                done({ ok: false, reveal: true, text: steps.length ? reasons.join("; ") : "this Live cannot place files: drag it from its folder" });
                return;
            }
            steps[rung](live, file, length_s, target, index, used, function (outcome) {
                if (outcome.ok) {
                    done(outcome);
                } else {
                    reasons.push(outcome.text);
                    attempt(rung + 1);
                }
            });
        }
        attempt(0);
    }

    return { AUTO: AUTO, SLOT: SLOT, ARRANGEMENT: ARRANGEMENT, LANE: LANE, NEW_TRACK: NEW_TRACK, atLeast: atLeast, canMakeClips: canMakeClips, target: target, takesAll: takesAll, place: place };
})();
