// Commands and replies by the daemon's table (TABLE). Pure.
// Max sends whole numbers as int32 and others as float32; the daemon takes either for the other where nothing is lost.
var Osc = (function () {
    var MAX_COMMAND = 1024; // bytes: nothing is known of Max's own limit, so that every command stays well below any

    function utf8Bytes(text) {
        var bytes = 0, code, i;
        for (i = 0; i < text.length; i++) {
            code = text.charCodeAt(i);
            if (code >= 0xd800 && code < 0xdc00) {
                bytes += 4; // with its second half
                i++;
            } else {
                bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
            }
        }
        return bytes;
    }

    function padded(bytes) {
        return (bytes + 4) & ~3; // a NUL at least
    }

    // Bytes that [address, value, …] takes on the wire.
    function size(message) {
        var bytes = padded(utf8Bytes(message[0])) + padded(message.length), i;
        for (i = 1; i < message.length; i++) {
            bytes += typeof message[i] === "string" ? padded(utf8Bytes(message[i])) : 4;
        }
        return bytes;
    }

    function knows(name) {
        return TABLE.commands.hasOwnProperty(name);
    }

    function hasKey(name, key) {
        return knows(name) && TABLE.commands[name].keys.hasOwnProperty(key);
    }

    function value(field, given) {
        var name = field[0], type = field[1], low = field[2], high = field[3], size;
        if (type === "s") {
            given = String(given).replace(/[\r\n\t]+/g, " ");
            size = given.length;
        } else {
            given = Number(given);
            if (!isFinite(given)) {
                return { problem: name + " is no number" };
            }
            given = type === "i" ? Math.round(given) : Math.round(given * 1e6) / 1e6;
            size = given;
        }
        if (field[4] && field[4].indexOf(given) < 0) {
            return { problem: name + " is " + given + ": one of " + field[4].join(", ") + " is allowed" };
        }
        if ((low !== null && size < low) || (high !== null && size > high)) {
            return { problem: name + " is " + size + ": from " + low + " to " + high + " is allowed" + (type === "s" ? " (characters)" : "") };
        }
        return { value: given };
    }

    // Of `values` what this command has in the daemon's table: for commands that a later daemon may bring with other keys.
    function having(name, values) {
        var spec = TABLE.commands[name], kept = {}, i;
        for (i = 0; spec && i < spec["arguments"].length; i++) {
            kept[spec["arguments"][i][0]] = values[spec["arguments"][i][0]];
        }
        for (i in values) {
            if (hasKey(name, i)) {
                kept[i] = values[i];
            }
        }
        return kept;
    }

    // → { message: [address, id, …] } or { problem: "…" }. What is undefined is left out; a key that the table does not have is a problem.
    function command(name, id, values) {
        var message = ["/inspire/" + name, id], spec = TABLE.commands[name], named = {}, i, key, read;
        if (!spec) {
            return { problem: "this device was built for a daemon without " + name };
        }
        for (i = 0; i < spec["arguments"].length; i++) {
            key = spec["arguments"][i][0];
            if (values[key] === undefined) {
                return { problem: name + " needs " + key };
            }
            read = value(spec["arguments"][i], values[key]);
            if (read.problem) {
                return read;
            }
            message.push(read.value);
            named[key] = true;
        }
        for (key in values) {
            if (values[key] !== undefined && !named[key]) {
                read = hasKey(name, key) ? value(spec.keys[key], values[key]) : { problem: name + " has no " + key };
                if (read.problem) {
                    return read;
                }
                message.push(key, read.value);
            }
        }
        if (size(message) > MAX_COMMAND) {
            return { problem: "these words are too long: leave out " + (size(message) - MAX_COMMAND) + " letters" };
        }
        return { message: message };
    }

    // A message from the daemon → { reply, id, field: value, … }, or null where it is none that the table has.
    // A text that looks like a number may have become one on its way through Max: the table says what it was.
    function reply(address, list) {
        var name = String(address).replace(/^\/inspire\//, ""), spec = TABLE.replies[name], found, i, key;
        if (!TABLE.replies.hasOwnProperty(name) || list.length < 1 + spec["arguments"].length) {
            return null;
        }
        found = { reply: name, id: String(list[0]) };
        for (i = 0; i < spec["arguments"].length; i++) {
            found[spec["arguments"][i][0]] = cast(spec["arguments"][i][1], list[i + 1]);
        }
        for (i = 1 + spec["arguments"].length; i + 1 < list.length; i += 2) {
            key = String(list[i]);
            if (spec.keys.hasOwnProperty(key)) {
                found[key] = cast(spec.keys[key], list[i + 1]);
            }
        }
        return found;
    }

    function cast(type, given) {
        return type === "s" ? String(given) : isFinite(given) ? Number(given) : 0;
    }

    // The files that a reply names: the first, and its variations beside it.
    function paths(reply) {
        var found = [], folder, names, i;
        if (reply.path) {
            found.push(reply.path);
            folder = reply.path.replace(/[^\/\\]*$/, "");
            names = reply.others ? reply.others.split("/") : [];
            for (i = 0; i < names.length; i++) {
                found.push(folder + names[i]);
            }
        }
        return found;
    }

    return { MAX_COMMAND: MAX_COMMAND, utf8Bytes: utf8Bytes, size: size, knows: knows, hasKey: hasKey, having: having, command: command, reply: reply, paths: paths };
})();
