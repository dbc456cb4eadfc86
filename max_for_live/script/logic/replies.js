// What one device receives from the daemon, and what follows from it: the other half of session.js. Pure.

// What came through udpreceive.
Session.prototype.receive = function (address, list) {
    var reply = Osc.reply(address, list), mine;
    // An answer to another device, which receives nothing and gave our port for its own, is none to us.
    if (!reply || reply.id.indexOf(this.name + "-") !== 0) {
        return;
    }
    this.heard_at = this.io.now();
    mine = this.job && reply.id === this.job.id && !this.job.ended_at ? this.job : null;
    if (this["on_" + reply.reply]) {
        this["on_" + reply.reply](reply, mine);
        this.io.changed();
    }
};

Session.prototype.on_welcome = function (reply) {
    var before = this.link;
    if (reply.protocol !== TABLE.protocol) {
        this.link = "foreign";
        return;
    }
    this.link = "here";
    if (before !== "here") {
        this.missing = {};
        this.acquaint();
    }
};

Session.prototype.acquaint = function () {
    this.presets = [];
    this.models = [];
    this.ask("status", {});
    this.ask("presets", {});
    this.ask("models", {});
    this.ask("history", { limit: SESSION.RESULTS, state: "done" });
    if (this.busy()) {
        this.look_after(this.io.now());
    }
};

Session.prototype.on_fail = function (reply, job) {
    var name = reply.id.slice(this.name.length + 1);
    if (reply.code === "token" && name === "hello") {
        this.link = "locked";
    } else if (reply.code === "protocol") {
        this.link = "foreign";
    } else if (reply.code === "unknown_address") {
        this.missing[job ? job.request.name : name] = true;
        if (job) {
            this.end(job, "failed", { message: "this daemon cannot " + job.request.name + " yet: update inspire" });
        }
    } else if (job && reply.code === "no_clock" && job.request.values.start) {
        delete job.request.values.start; // then it plays at once
        job.ended_at = this.io.now();
        this.submit(job.request, job.target);
    } else if (job && reply.code === "no_such_job" && job.state !== "sent") {
        this.end(job, "failed", { message: "the daemon was started anew and does not know it" });
    } else if (job) {
        this.end(job, "failed", reply);
    }
};

Session.prototype.on_ack = function (reply, job) {
    if (job && job.state === "sent") {
        job.state = "waiting";
    }
};

Session.prototype.on_queued = function (reply, job) {
    if (job && job.state !== "stopping") {
        job.state = "waiting";
        job.position = reply.position;
    }
};

Session.prototype.on_progress = function (reply, job) {
    if (job) {
        job.state = job.state === "stopping" ? "stopping" : "making";
        job.done_s = reply.done_s;
        job.total_s = reply.total_s;
        job.rtf = reply.rtf;
    }
};

Session.prototype.on_chunk = function (reply, job) {
    if (job && (reply.variation === undefined || reply.variation === 1)) {
        job.state = job.state === "stopping" ? "stopping" : "making";
        job.path = reply.path;
        job.made_s = reply.start_s + reply.duration_s;
    }
};

Session.prototype.on_done = function (reply, job) {
    if (job) {
        this.first_s = reply.first_chunk_s || this.first_s;
        this.end(job, "done", reply);
    }
};

Session.prototype.on_cancelled = function (reply, job) {
    if (job) {
        this.end(job, "stopped", reply);
    }
};

Session.prototype.on_state = function (reply, job) {
    if (reply.job !== undefined) {
        if (job) {
            this.on_job_state(reply, job);
        }
        return;
    }
    var is_another = this.daemon.pid && reply.pid !== this.daemon.pid;
    this.daemon = reply;
    if (is_another) { // it does not know us
        this.link = "looking";
        this.hellos = 0;
        this.hello();
    }
};

// A done, a fail or a cancelled may have been lost on the way: the state says it too.
Session.prototype.on_job_state = function (reply, job) {
    var ends = { done: "done", cancelled: "stopped", failed: "failed", interrupted: "failed" };
    if (ends[reply.state]) {
        reply.message = reply.problem || "the daemon ended while it was made";
        this.end(job, ends[reply.state], reply);
    } else if (reply.state === "running" && job.state === "sent") {
        job.state = "making";
    }
};

Session.prototype.end = function (job, state, reply) {
    var files = Osc.paths(reply), result;
    job.state = state;
    job.message = reply.message || "";
    job.ended_at = this.io.now();
    job.duration_s = reply.duration_s || 0;
    if (state === "failed") {
        this.io.note(job.message);
    }
    if (files.length && job.duration_s) {
        result = {
            id: job.id, paths: files, duration_s: job.duration_s, seed: reply.seed, bpm: reply.bpm_measured || reply.bpm, kept: 0, prompt: job.asked.prompt,
            asked: job.asked, asked_bpm: job.asked.bpm, target: job.target
        };
        this.results.unshift(result);
        this.results.length = Math.min(this.results.length, SESSION.RESULTS);
        this.io.arrived(result);
    }
};

Session.prototype.on_entry = function (reply) {
    var i;
    for (i = 0; i < this.results.length; i++) {
        if (this.results[i].id === reply.job) {
            this.results[i].kept = reply.kept || 0;
            return;
        }
    }
    if (reply.path && this.results.length < SESSION.RESULTS) {
        this.results.push({ id: reply.job, paths: Osc.paths(reply), duration_s: reply.duration_s, seed: reply.seed, kept: reply.kept || 0, prompt: reply.prompt || "", clip: reply.clip });
    }
};

// One of a list that comes one by one; an index that cannot be is left out, as the whole list is gone through again and again.
Session.prototype.take_in = function (list, reply) {
    if (reply.count <= SESSION.LISTED && reply.index >= 0 && reply.index < reply.count && reply.index === Math.floor(reply.index)) {
        list[reply.index] = reply;
    }
};

Session.prototype.on_preset = function (reply) {
    this.take_in(this.presets, reply);
};

Session.prototype.on_model = function (reply) {
    this.take_in(this.models, reply);
};

Session.prototype.on_estimated = function (reply) {
    this.first_s = reply.first_s;
};
