// What the device says. Pure. Every different text that reaches Max is kept in its memory for ever: numbers that move are whole seconds.
var Words = (function () {
    var COMMAND_LINE = "inspire serve";

    function fixed(number, digits) {
        return number.toFixed(digits);
    }

    function signed(number, digits) {
        return (number < 0 ? "−" : "+") + Math.abs(number).toFixed(digits);
    }

    function seconds(number) {
        return number < 10 ? fixed(number, 1) + " s" : Math.round(number) + " s";
    }

    function many(count, one) {
        return count + " " + one + (count === 1 ? "" : "s");
    }

    // "looking" and "lost" without a daemon, "foreign" with one that cannot be spoken to, "starting", "down", "paused", "ready", "waiting",
    // "making", "done", "failed". → { mood, text }; mood: idle, ready, busy, good or bad.
    function status(now) {
        switch (now.state) {
        case "looking":
            return { mood: "idle", text: "looking for inspire on port " + now.port };
        case "absent":
            return { mood: "bad", text: "no daemon: in a terminal type  " + COMMAND_LINE };
        case "lost":
            return { mood: "bad", text: "the daemon is gone · type  " + COMMAND_LINE };
        case "foreign":
            return { mood: "bad", text: "daemon and device do not match: update both" };
        case "locked":
            return { mood: "bad", text: "this daemon asks for a token: see its settings" };
        case "starting":
            return { mood: "idle", text: "loading the model" };
        case "down":
            return { mood: "bad", text: "the engine is down: " + (now.problem || "see inspire doctor") };
        case "paused":
            return { mood: "idle", text: "paused: inspire resume lets it go on" };
        case "recording":
            return { mood: "busy", text: "recording · press again to continue it" };
        case "waiting":
            return { mood: "busy", text: now.position ? "waiting · " + many(now.position, "job") + " before it" : "starts now" };
        case "making":
            return { mood: "busy", text: making(now) };
        case "stopping":
            return { mood: "busy", text: "stopping" };
        case "done":
            return { mood: "good", text: "done · " + length(now) + (now.takes > 1 ? " · " + many(now.takes, "take") : "") };
        case "stopped":
            return { mood: "good", text: now.duration_s ? "stopped · " + seconds(now.duration_s) + " kept" : "stopped · nothing made yet" };
        case "failed":
            return { mood: "bad", text: "not made: " + now.message };
        default:
            return { mood: "ready", text: "ready" + (now.model ? " · " + cut(now.model.replace(/^.*[\/\\]/, ""), 16) : "") + (now.first_s ? " · first sound in " + seconds(now.first_s) : "") };
        }
    }

    function making(now) {
        var done = Math.floor(now.done_s), left;
        if (!now.total_s) {
            return "making";
        }
        left = now.rtf ? Math.ceil((now.total_s - now.done_s) * now.rtf) : 0;
        return (now.bar_s ? "making bar " + Math.min(Math.floor(now.done_s / now.bar_s) + 1, Math.ceil(now.total_s / now.bar_s - 0.01)) + " of "
            + Math.ceil(now.total_s / now.bar_s - 0.01) : "making · " + done + " of " + Math.round(now.total_s) + " s") + (left > 1 ? " · " + left + " s left" : "");
    }

    function length(now) {
        return now.bars ? many(now.bars, "bar") : seconds(now.duration_s);
    }

    // "124.00 bpm, downbeat +3 ms, A minor, join −31 dB, seed 4711": what was measured of it. `result`: from the daemon and the file beside the sound.
    function grid(result) {
        var parts = [];
        if (result.bpm) {
            parts.push(fixed(result.bpm, 2) + " bpm" + (result.asked_bpm && Math.abs(result.bpm / result.asked_bpm - 1) > 0.01 ? " of " + fixed(result.asked_bpm, 2) : ""));
        }
        if (result.downbeat_ms !== undefined) {
            parts.push("downbeat " + signed(result.downbeat_ms, 0) + " ms");
        }
        if (result.key) {
            parts.push(result.key);
        }
        if (result.join_click_db !== undefined) {
            parts.push("join " + signed(result.join_click_db, 0) + " dB");
        }
        if (result.seed !== undefined) {
            parts.push("seed " + result.seed);
        }
        return parts.join(", ");
    }

    function source(clip, bars) {
        return clip.name + " · " + (bars ? bars + " · " : "") + seconds(clip.start_s) + " to " + seconds(clip.end_s);
    }

    // "Intro 4 · Verse 8 · Drop 16, on from riff": what Arrange will make.
    function sections(plan, clip) {
        return plan.problem || cut(plan.names.join(" · "), 40) + (plan.goes_on ? ", on from " + cut(clip, 14) : "");
    }

    // "4 bars", where a part is whole bars long within a hundredth of one; else "".
    function wholeBars(length_s, bar_s) {
        var bars = length_s / bar_s;
        return bars > 0.9 && Math.abs(bars - Math.round(bars)) < 0.01 ? many(Math.round(bars), "bar") : "";
    }

    function host(set, key) {
        return fixed(set.tempo, 2) + " bpm · " + set.numerator + "/" + set.denominator + (key ? " · " + key : "");
    }

    // On the button: what a press will do. It has 96 pixels.
    function go(mode, bars) {
        return ["Generate", "Continue", "Fill", "Arrange"][mode] + (mode === 2 || !bars ? "" : " " + many(bars, "bar"));
    }

    // In the list: "♥ dub techno · 8 bars".
    function result(one) {
        return (one.kept ? "♥ " : "") + cut(one.prompt || one.clip || one.id, 22);
    }

    function cut(text, most) {
        return text.length > most ? text.slice(0, most - 1) + "…" : text;
    }

    return { COMMAND_LINE: COMMAND_LINE, status: status, grid: grid, source: source, sections: sections, wholeBars: wholeBars, host: host, go: go, result: result, cut: cut, seconds: seconds, many: many };
})();
