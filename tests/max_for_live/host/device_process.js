// The device's own script in a process of its own, on real UDP sockets: what stands around it is Max and Live as the other files here have
// them. Lines of JSON in: what is done to it. Lines of JSON out: what its outlets send, and answers.
"use strict";
const dgram = require("dgram");
const fs = require("fs");
const readline = require("readline");
const { Max } = require("./max.js");
const { Live } = require("./live_object_model.js");
const osc = require("./osc.js");

const options = JSON.parse(process.argv[2] || "{}");
const live = new Live(options.version || "12.4.0", { focus: options.focus, file_s: new Proxy({}, { get: (_, file) => secondsOf(String(file)) }) });
live.devicePath = "live_set tracks 0 devices 0";
const track = live.addTrack("Drums");
const sender = dgram.createSocket("udp4");
let receiver = null;
let deaf = false;
let commandsPort = 7770;
const memory = { prompt: options.prompt || "" };

function secondsOf(file) {
    if (!fs.existsSync(file)) return undefined;
    const bytes = fs.readFileSync(file);
    let at = 12, rate = 0, frame = 0;
    while (at + 8 <= bytes.length) {
        const [name, size] = [bytes.toString("ascii", at, at + 4), bytes.readUInt32LE(at + 4)];
        if (name === "fmt ") [rate, frame] = [bytes.readUInt32LE(at + 12), bytes.readUInt16LE(at + 20)];
        if (name === "data") return Math.min(size, bytes.length - at - 8) / frame / rate;
        at += 8 + size + (size % 2);
    }
    return undefined;
}

function say(line) {
    process.stdout.write(JSON.stringify(line) + "\n");
}

// udpreceive: a port that is taken leaves it deaf, and only Max's console says so.
function listen(port) {
    if (receiver) receiver.close();
    receiver = null;
    const socket = dgram.createSocket("udp4");
    socket.on("error", () => say({ console: `udpreceive: port ${port} is taken` }));
    socket.on("message", (packet) => {
        if (deaf) return;
        if (packet.length > 1024) say({ too_large: packet.length });
        if (process.env.TRACE) process.stderr.write(JSON.stringify(osc.decode(packet)) + "\n");
        max.send(1, ...osc.decode(packet));
    });
    socket.bind(port, "127.0.0.1", () => {
        receiver = socket;
    });
}

function onOutlet(outlet, list) {
    if (outlet === 0) {
        if (list[0] === "port") {
            commandsPort = list[1];
            return [];
        }
        const packet = osc.encode(list);
        if (packet.length > 1024) say({ too_large: packet.length });
        sender.send(packet, commandsPort, "127.0.0.1");
        say({ command: list });
        return [];
    }
    if (outlet === 1) {
        listen(list[1]);
        say({ port: list[1] });
        return [];
    }
    say({ outlet, message: list });
    const [name, first] = list;
    if (name === "prompt" && first === "bang") return [[0, "prompt", ...(memory.prompt ? [memory.prompt] : [])]];
    if (name === "colours") return [[0, "colour", first, 0.5, 0.5, 0.5, 1]];
    if (/_saved$/.test(name) && memory[name] !== first) {
        memory[name] = first;
        return [[0, name, first]];
    }
    return [];
}

const max = new Max(live, onOutlet);
Object.assign(max.context.SESSION, options.times || {});
if (options.first_port) max.context.SESSION.FIRST_PORT = options.first_port;
if (options.ports) max.context.SESSION.PORTS = options.ports;
Object.assign(max.context.TABLE.commands, options.commands || {});
max.control("port", options.port);
live.ready = true;
max.control("ready");

const deeds = {
    control: ({ message }) => max.control(...message),
    prompt: ({ text }) => {
        memory.prompt = text;
        max.control("prompt", text);
    },
    live: ({ of, change }) => {
        const object = { song: live.song, view: live.view, track }[of];
        for (const [name, value] of Object.entries(change)) live.change(object, name, value);
    },
    clip: ({ slot, change }) => {
        const owner = slot === undefined ? track : live.objects.get(track.props.clip_slots[slot]);
        const clip = live.addClip(owner, change);
        live.change(live.view, "detail_clip", clip.id);
    },
    locators: ({ places }) => {
        live.song.props.cue_points = places.map(([name, time]) => live.make("CuePoint", null, { name, time }).id);
    },
    clips: () => say({
        slots: track.props.clip_slots.map((id) => live.objects.get(id)).map((slot) => (slot.props.has_clip ? live.objects.get(slot.props.clip).props : null)),
        arrangement: track.props.arrangement_clips.map((id) => live.objects.get(id).props), console: live.console, posts: max.console, named: max.named,
    }),
    deaf: ({ on }) => {
        deaf = on;
    },
    end: () => {
        max.free();
        process.exit(0);
    },
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const deed = JSON.parse(line);
    deeds[deed.do](deed);
}).on("close", () => process.exit(0));
say({ started: true });
