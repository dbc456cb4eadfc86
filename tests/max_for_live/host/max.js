// Max as the device's script sees it: globals, Task, outlets. A message whose name is a global function calls it, as in Max; any other
// goes to anything(). What an outlet sends is given to `onOutlet`.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const { liveApi } = require("./live_object_model.js");

const SCRIPT = path.join(__dirname, "..", "..", "..", "max_for_live", "inspire.js");

class Max {
    // `live`: a Live. `onOutlet(outlet, values)` may answer with messages [inlet, name, …] that come back at once, as a box would send them.
    constructor(live, onOutlet = () => {}) {
        this.live = live;
        this.sent = [];
        this.console = [];
        this.named = [];
        this.timers = new Set();
        const max = this;
        class Task {
            constructor(run, object) {
                Object.assign(this, { run, object: object || this, interval: 500, running: false });
            }

            schedule(ms) {
                this.cancel();
                this.running = true;
                this.timer = setTimeout(() => {
                    max.timers.delete(this.timer);
                    this.running = false;
                    this.run.call(this.object);
                }, ms || 0);
                max.timers.add(this.timer);
            }

            repeat() {
                this.cancel();
                this.running = true;
                this.timer = setInterval(() => this.run.call(this.object), this.interval);
                max.timers.add(this.timer);
            }

            cancel() {
                clearTimeout(this.timer);
                clearInterval(this.timer);
                max.timers.delete(this.timer);
                this.running = false;
            }
        }
        class File {
            constructor(name) {
                this.isopen = fs.existsSync(name);
                this.rest = this.isopen ? fs.readFileSync(name, "latin1") : "";
            }

            readstring(count) {
                const piece = this.rest.slice(0, count);
                this.rest = this.rest.slice(count);
                return piece;
            }

            close() {
                this.isopen = false;
            }
        }
        this.context = vm.createContext({
            LiveAPI: liveApi(live), Task, File, inlet: 0, messagename: "",
            outlet(number, values) {
                if (!Array.isArray(values) && Object.prototype.toString.call(values) !== "[object Array]") throw new Error("an outlet gets one array");
                const list = Array.from(values);
                if (list.some((value) => typeof value !== "string" && !(typeof value === "number" && isFinite(value)))) throw new Error(`outlet ${number}: ${JSON.stringify(list)}`);
                max.sent.push([number, ...list]);
                for (const answer of onOutlet(number, list) || []) max.send(...answer);
            },
            post: (text) => max.console.push(text),
            error: (text) => max.console.push(text),
            messnamed: (...values) => max.named.push(values),
            arrayfromargs: (list) => Array.prototype.slice.call(list),
        });
        vm.runInContext(fs.readFileSync(SCRIPT, "utf8"), this.context, SCRIPT);
    }

    send(inlet, name, ...values) {
        this.context.inlet = inlet;
        this.context.messagename = name;
        const own = this.context[name];
        return (typeof own === "function" && Object.keys(this.context).includes(name) ? own : this.context.anything)(...values);
    }

    control(name, ...values) {
        return this.send(0, name, ...values);
    }

    // The last message that a box of the face got, or undefined: shown("status", "set") → its text.
    shown(box, selector) {
        const found = this.sent.filter(([outlet, name, first]) => outlet === 2 && name === box && (!selector || first === selector)).pop();
        return found && found.slice(selector ? 3 : 2).join(" ");
    }

    free() {
        this.context.notifydeleted();
        for (const timer of this.timers) {
            clearTimeout(timer);
            clearInterval(timer);
        }
    }
}

function run(source) {
    const context = vm.createContext({});
    vm.runInContext(fs.readFileSync(SCRIPT, "utf8").replace(/^inlets[\s\S]*$/m, ""), context);
    return vm.runInContext(source, context);
}

module.exports = { Max, SCRIPT, run };
