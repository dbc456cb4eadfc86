// One device's talk with the daemon: hello, jobs, results; and what to do when one of them is silent. Pure but for `io`:
// send([address, value, …]), listen(port), now() in ms, random() from 0 to 1, changed(), arrived(result), note(text).
//
// A port that another program holds leaves udpreceive without a message and no error says so. Therefore a port counts as ours only when a welcome
// has come back through it; until then each hello goes out with another one.
var SESSION = {
    FIRST_PORT: 7800, PORTS: 200,
    HELLO_MS: 1500, // between tries
    RENEW_MS: 10000, // while all is well; the lease is longer
    POLL_MS: 2000, // asks for the state: a datagram may be lost, also the one that says done
    SILENT_MS: 7000, // without a word: the daemon is gone
    RETRY_MS: 10000, // where it is there, but cannot be spoken to
    SHOWN_MS: 12000, // how long an end is shown before "ready"
    TRIES: 4,
    LISTED: 1000, // presets or models at most
    RESULTS: 20
};

function Session(io, port) {
    this.io = io;
    this.name = "live-" + Math.floor(io.random() * 0x7fffffff).toString(36);
    this.link = "looking"; // or here, lost, foreign, locked
    this.port = port;
    this.replies_port = SESSION.FIRST_PORT + Math.floor(io.random() * SESSION.PORTS);
    this.hellos = 0;
    this.count = 0;
    this.daemon = { state: "starting" };
    this.presets = [];
    this.models = [];
    this.results = []; // the newest first
    this.job = null; // the one that is shown; others cannot be begun while it goes on
    this.missing = {}; // commands that this daemon does not have
    this.first_s = 0;
    this.heard_at = this.hello_at = this.polled_at = 0;
}

Session.prototype.start = function (port) {
    this.port = port;
    this.link = "looking";
    this.hellos = 0;
    this.hello();
    this.io.changed();
};

// Call it about twice a second.
Session.prototype.tick = function () {
    var now = this.io.now(), since = now - this.hello_at;
    if (this.link === "here" && now - this.heard_at > SESSION.SILENT_MS) {
        this.link = "lost";
        this.daemon = { state: "starting" };
        this.io.changed();
    }
    if (this.link === "here") {
        if (since > SESSION.RENEW_MS) {
            this.hello();
        }
        if (now - this.polled_at > SESSION.POLL_MS) {
            this.polled_at = now;
            this.ask("status", {});
            this.look_after(now);
        }
    } else if (since > (this.link === "foreign" || this.link === "locked" ? SESSION.RETRY_MS : SESSION.HELLO_MS)) {
        this.replies_port = SESSION.FIRST_PORT + (this.replies_port - SESSION.FIRST_PORT + 1 + Math.floor(this.io.random() * 7)) % SESSION.PORTS;
        this.hello();
        this.io.changed();
    }
    if (this.job && this.job.ended_at && now - this.job.ended_at > SESSION.SHOWN_MS) {
        this.job = null;
        this.io.changed();
    }
};

Session.prototype.look_after = function (now) {
    var job = this.job;
    if (!job || job.ended_at) {
        return;
    }
    if (job.state !== "sent") {
        this.say("status", job.id, { job: job.id });
        if (job.state === "stopping") {
            this.say("cancel", job.id, {});
        }
    } else if (job.tries < SESSION.TRIES) {
        job.tries++;
        this.io.send(job.sent); // a repeated id starts nothing twice
    } else {
        this.end(job, "failed", { message: "the daemon does not answer" });
    }
};

Session.prototype.hello = function () {
    this.hello_at = this.io.now();
    this.hellos++;
    if (this.link !== "here") {
        this.io.listen(this.replies_port);
    }
    this.say("hello", this.name + "-hello", { name: "Live", protocol: TABLE.protocol, max_datagram: TABLE.least_datagram });
};

// A command that starts no job: its id is its name, so that few texts reach Max's memory.
Session.prototype.ask = function (name, values) {
    if (this.link !== "here" || this.missing[name] || !Osc.knows(name)) {
        return;
    }
    this.say(name, this.name + "-" + name, values);
};

Session.prototype.say = function (name, id, values) {
    var made;
    values.reply_port = this.replies_port;
    made = Osc.command(name, id, values);
    if (made.problem) {
        this.io.note(name + ": " + made.problem);
    } else {
        this.io.send(made.message);
    }
    return made;
};

// Begins a job. `request` as Requests.build makes it; `target`: where its result is to go. Returns a problem, or "".
Session.prototype.submit = function (request, target) {
    var id = this.name + "-" + (++this.count), made;
    if (this.link !== "here") {
        return "there is no daemon: type " + Words.COMMAND_LINE;
    }
    if (this.busy()) {
        return "one at a time: stop it first";
    }
    request.values.reply_port = this.replies_port;
    made = Osc.command(request.name, id, request.values);
    if (made.problem) {
        return made.problem;
    }
    this.job = { id: id, request: request, sent: made.message, asked: request.asked, target: target, state: "sent", tries: 1, done_s: 0, total_s: request.asked.total_s, rtf: 0 };
    this.io.send(made.message);
    this.io.changed();
    return "";
};

// Makes a result again, with another seed unless one is given.
Session.prototype.again = function (result, seed, play, target) {
    var values = { job: result.id, play: play, seed: seed === undefined ? Math.floor(this.io.random() * 10000) : seed };
    return this.submit({ name: "again", values: values, asked: result.asked || { total_s: result.duration_s, takes: 1, prompt: result.prompt } }, target || result.target);
};

Session.prototype.busy = function () {
    return !!this.job && !this.job.ended_at;
};

Session.prototype.cancel = function () {
    if (this.busy()) {
        this.job.state = "stopping";
        this.say("cancel", this.job.id, {});
        this.io.changed();
    }
};

Session.prototype.keep = function (result, keep) {
    result.kept = keep;
    this.ask("keep", { job: result.id, keep: keep });
    this.io.changed();
};

// What Words.status is to say.
Session.prototype.now = function () {
    var job = this.job, state;
    if (this.link !== "here") {
        state = this.link === "looking" && this.hellos > 3 ? "absent" : this.link;
        return { state: state, port: this.port };
    }
    if (!job) {
        state = { starting: "starting", down: "down" }[this.daemon.state] || (this.daemon.paused ? "paused" : "ready");
        return { state: state, problem: this.daemon.problem, model: this.daemon.model, first_s: this.first_s };
    }
    return {
        state: job.state === "sent" ? "waiting" : job.state, position: job.position, done_s: job.done_s, total_s: job.total_s, rtf: job.rtf, bar_s: job.asked.bar_s,
        bars: job.state === "done" ? job.asked.bars : 0, duration_s: job.duration_s, takes: job.asked.takes, message: job.message
    };
};
