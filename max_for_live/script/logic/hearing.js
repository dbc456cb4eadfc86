// What one device hears from the daemon, and what follows from it: the other half of session.js. Pure.

// What came through udpreceive.
Session.prototype.receive = function (address, list) {
    var told = Osc.reply(address, list), mine;
    // An answer to another device, which is deaf and gave our port for its own, is none to us.
    if (!told || told.id.indexOf(this.name + "-") !== 0) {
        return;
    }
    this.heard_at = this.io.now();
    mine = this.job && told.id === this.job.id && !this.job.ended_at ? this.job : null;
    if (this["on_" + told.reply]) {
        this["on_" + told.reply](told, mine);
        this.io.changed();
    }
};

Session.prototype.on_welcome = function (told) {
    var before = this.link;
    if (told.protocol !== TABLE.protocol) {
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

Session.prototype.on_fail = function (told, job) {
    var name = told.id.slice(this.name.length + 1);
    if (told.code === "token" && name === "hello") {
        this.link = "locked";
    } else if (told.code === "protocol") {
        this.link = "foreign";
    } else if (told.code === "unknown_address") {
        this.missing[job ? job.request.name : name] = true;
        if (job) {
            this.end(job, "failed", { message: "this daemon cannot " + job.request.name + " yet: update inspire" });
        }
    } else if (job && told.code === "no_clock" && job.request.values.start) {
        delete job.request.values.start; // then it is heard at once
        job.ended_at = this.io.now();
        this.submit(job.request, job.target);
    } else if (job && told.code === "no_such_job" && job.state !== "sent") {
        this.end(job, "failed", { message: "the daemon was started anew and does not know it" });
    } else if (job) {
        this.end(job, "failed", told);
    }
};

Session.prototype.on_ack = function (told, job) {
    if (job && job.state === "sent") {
        job.state = "waiting";
    }
};

Session.prototype.on_queued = function (told, job) {
    if (job && job.state !== "stopping") {
        job.state = "waiting";
        job.position = told.position;
    }
};

Session.prototype.on_progress = function (told, job) {
    if (job) {
        job.state = job.state === "stopping" ? "stopping" : "making";
        job.done_s = told.done_s;
        job.total_s = told.total_s;
        job.rtf = told.rtf;
    }
};

Session.prototype.on_chunk = function (told, job) {
    if (job && (told.variation === undefined || told.variation === 1)) {
        job.state = job.state === "stopping" ? "stopping" : "making";
        job.path = told.path;
        job.made_s = told.start_s + told.duration_s;
    }
};

Session.prototype.on_done = function (told, job) {
    if (job) {
        this.first_s = told.first_chunk_s || this.first_s;
        this.end(job, "done", told);
    }
};

Session.prototype.on_cancelled = function (told, job) {
    if (job) {
        this.end(job, "stopped", told);
    }
};

Session.prototype.on_state = function (told, job) {
    if (told.job !== undefined) {
        if (job) {
            this.on_job_state(told, job);
        }
        return;
    }
    var is_another = this.daemon.pid && told.pid !== this.daemon.pid;
    this.daemon = told;
    if (is_another) { // it does not know us
        this.link = "looking";
        this.hellos = 0;
        this.hello();
    }
};

// A done, a fail or a cancelled may have been lost on the way: the state says it too.
Session.prototype.on_job_state = function (told, job) {
    var ends = { done: "done", cancelled: "stopped", failed: "failed", interrupted: "failed" };
    if (ends[told.state]) {
        told.message = told.problem || "the daemon ended while it was made";
        this.end(job, ends[told.state], told);
    } else if (told.state === "running" && job.state === "sent") {
        job.state = "making";
    }
};

Session.prototype.end = function (job, state, told) {
    var files = Osc.paths(told), result;
    job.state = state;
    job.message = told.message || "";
    job.ended_at = this.io.now();
    job.duration_s = told.duration_s || 0;
    if (state === "failed") {
        this.io.note(job.message);
    }
    if (files.length && job.duration_s) {
        result = {
            id: job.id, paths: files, duration_s: job.duration_s, seed: told.seed, bpm: told.bpm_measured || told.bpm, kept: 0, prompt: job.asked.prompt,
            asked: job.asked, asked_bpm: job.asked.bpm, target: job.target
        };
        this.results.unshift(result);
        this.results.length = Math.min(this.results.length, SESSION.RESULTS);
        this.io.arrived(result);
    }
};

Session.prototype.on_entry = function (told) {
    var i;
    for (i = 0; i < this.results.length; i++) {
        if (this.results[i].id === told.job) {
            this.results[i].kept = told.kept || 0;
            return;
        }
    }
    if (told.path && this.results.length < SESSION.RESULTS) {
        this.results.push({ id: told.job, paths: Osc.paths(told), duration_s: told.duration_s, seed: told.seed, kept: told.kept || 0, prompt: told.prompt || "", clip: told.clip });
    }
};

// One of a list that comes one by one; an index that cannot be is left out, as the whole list is gone through again and again.
Session.prototype.take_in = function (list, told) {
    if (told.count <= SESSION.LISTED && told.index >= 0 && told.index < told.count && told.index === Math.floor(told.index)) {
        list[told.index] = told;
    }
};

Session.prototype.on_preset = function (told) {
    this.take_in(this.presets, told);
};

Session.prototype.on_model = function (told) {
    this.take_in(this.models, told);
};

Session.prototype.on_estimated = function (told) {
    this.first_s = told.first_s;
};
