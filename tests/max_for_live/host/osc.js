// OSC as udpsend and udpreceive speak it: whole numbers as int32, others as float32, texts; a double arrives as 0.
"use strict";

function text(value) {
    const bytes = Buffer.from(value + "\0");
    return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function encode([address, ...values]) {
    const types = values.map((value) => (typeof value === "string" ? "s" : Number.isInteger(value) ? "i" : "f"));
    const data = values.map((value, index) => {
        if (types[index] === "s") return text(value);
        const bytes = Buffer.alloc(4);
        if (types[index] === "i") bytes.writeInt32BE(value);
        else bytes.writeFloatBE(value);
        return bytes;
    });
    return Buffer.concat([text(address), text("," + types.join("")), ...data]);
}

function decode(packet) {
    let at = 0;
    const word = () => {
        const end = packet.indexOf(0, at);
        const found = packet.toString("utf8", at, end);
        at = end + 1 + ((4 - ((end + 1) % 4)) % 4);
        return found;
    };
    const address = word();
    const values = [...word().slice(1)].map((type) => {
        if (type === "s") return word();
        at += type === "d" || type === "h" ? 8 : 4;
        if (type === "i") return packet.readInt32BE(at - 4);
        return type === "f" ? packet.readFloatBE(at - 4) : 0;
    });
    return [address, ...values];
}

module.exports = { encode, decode };
