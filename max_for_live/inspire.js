// Built by python -m max_for_live.build from script/ and the daemon's table of messages: change those instead.

var TABLE = {
 "protocol": 1,
 "least_datagram": 1024,
 "commands": {
  "hello": {
   "arguments": [
    [
     "name",
     "s",
     0,
     100
    ],
    [
     "protocol",
     "i",
     1,
     1000
    ]
   ],
   "keys": {
    "max_datagram": [
     "max_datagram",
     "i",
     1024,
     4096
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "generate": {
   "arguments": [
    [
     "prompt",
     "s",
     0,
     4000
    ]
   ],
   "keys": {
    "duration_s": [
     "duration_s",
     "f",
     0.5,
     480.0
    ],
    "bars": [
     "bars",
     "i",
     1,
     512
    ],
    "bpm": [
     "bpm",
     "f",
     20,
     400
    ],
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "key": [
     "key",
     "s",
     1,
     20
    ],
    "section": [
     "section",
     "s",
     null,
     null,
     [
      "intro",
      "verse",
      "chorus",
      "verse2",
      "outro"
     ]
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "variations": [
     "variations",
     "i",
     1,
     8
    ],
    "guidance": [
     "guidance",
     "f",
     0,
     20
    ],
    "model": [
     "model",
     "s",
     1,
     1000
    ],
    "preset": [
     "preset",
     "s",
     1,
     60
    ],
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "start": [
     "start",
     "s",
     null,
     null,
     [
      "now",
      "bar",
      "next_loop"
     ]
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "continue": {
   "arguments": [
    [
     "clip",
     "s",
     1,
     1000
    ]
   ],
   "keys": {
    "prompt": [
     "prompt",
     "s",
     0,
     4000
    ],
    "from_s": [
     "from_s",
     "f",
     0,
     1200.0
    ],
    "context_s": [
     "context_s",
     "f",
     1,
     30
    ],
    "join": [
     "join",
     "s",
     null,
     null,
     [
      "append",
      "new"
     ]
    ],
    "duration_s": [
     "duration_s",
     "f",
     0.5,
     480.0
    ],
    "bars": [
     "bars",
     "i",
     1,
     512
    ],
    "bpm": [
     "bpm",
     "f",
     20,
     400
    ],
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "key": [
     "key",
     "s",
     1,
     20
    ],
    "section": [
     "section",
     "s",
     null,
     null,
     [
      "intro",
      "verse",
      "chorus",
      "verse2",
      "outro"
     ]
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "variations": [
     "variations",
     "i",
     1,
     8
    ],
    "guidance": [
     "guidance",
     "f",
     0,
     20
    ],
    "model": [
     "model",
     "s",
     1,
     1000
    ],
    "preset": [
     "preset",
     "s",
     1,
     60
    ],
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "start": [
     "start",
     "s",
     null,
     null,
     [
      "now",
      "bar",
      "next_loop"
     ]
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "fill": {
   "arguments": [
    [
     "clip",
     "s",
     1,
     1000
    ],
    [
     "start_s",
     "f",
     0,
     1200.0
    ],
    [
     "end_s",
     "f",
     0,
     1680.0
    ]
   ],
   "keys": {
    "prompt": [
     "prompt",
     "s",
     0,
     4000
    ],
    "variations": [
     "variations",
     "i",
     1,
     8
    ],
    "bpm": [
     "bpm",
     "f",
     20,
     400
    ],
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "key": [
     "key",
     "s",
     1,
     20
    ],
    "section": [
     "section",
     "s",
     null,
     null,
     [
      "intro",
      "verse",
      "chorus",
      "verse2",
      "outro"
     ]
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "guidance": [
     "guidance",
     "f",
     0,
     20
    ],
    "model": [
     "model",
     "s",
     1,
     1000
    ],
    "preset": [
     "preset",
     "s",
     1,
     60
    ],
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "start": [
     "start",
     "s",
     null,
     null,
     [
      "now",
      "bar",
      "next_loop"
     ]
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "arrange": {
   "arguments": [
    [
     "sections",
     "s",
     1,
     4000
    ]
   ],
   "keys": {
    "prompt": [
     "prompt",
     "s",
     0,
     4000
    ],
    "clip": [
     "clip",
     "s",
     1,
     1000
    ],
    "from_s": [
     "from_s",
     "f",
     0,
     1200.0
    ],
    "context_s": [
     "context_s",
     "f",
     1,
     30
    ],
    "join": [
     "join",
     "s",
     null,
     null,
     [
      "append",
      "new"
     ]
    ],
    "duration_s": [
     "duration_s",
     "f",
     0.5,
     480.0
    ],
    "bars": [
     "bars",
     "i",
     1,
     512
    ],
    "bpm": [
     "bpm",
     "f",
     20,
     400
    ],
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "key": [
     "key",
     "s",
     1,
     20
    ],
    "section": [
     "section",
     "s",
     null,
     null,
     [
      "intro",
      "verse",
      "chorus",
      "verse2",
      "outro"
     ]
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "variations": [
     "variations",
     "i",
     1,
     8
    ],
    "guidance": [
     "guidance",
     "f",
     0,
     20
    ],
    "model": [
     "model",
     "s",
     1,
     1000
    ],
    "preset": [
     "preset",
     "s",
     1,
     60
    ],
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "start": [
     "start",
     "s",
     null,
     null,
     [
      "now",
      "bar",
      "next_loop"
     ]
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "again": {
   "arguments": [
    [
     "job",
     "s",
     1,
     100
    ]
   ],
   "keys": {
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "cancel": {
   "arguments": [],
   "keys": {
    "job": [
     "job",
     "s",
     1,
     100
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "status": {
   "arguments": [],
   "keys": {
    "job": [
     "job",
     "s",
     1,
     100
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "history": {
   "arguments": [],
   "keys": {
    "state": [
     "state",
     "s",
     null,
     null,
     [
      "queued",
      "running",
      "done",
      "failed",
      "cancelled",
      "interrupted"
     ]
    ],
    "limit": [
     "limit",
     "i",
     1,
     100
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "keep": {
   "arguments": [
    [
     "job",
     "s",
     1,
     100
    ]
   ],
   "keys": {
    "keep": [
     "keep",
     "i",
     0,
     1
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "presets": {
   "arguments": [],
   "keys": {
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "models": {
   "arguments": [],
   "keys": {
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "gain": {
   "arguments": [
    [
     "gain_db",
     "f",
     -100.0,
     12.0
    ]
   ],
   "keys": {
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  },
  "transport": {
   "arguments": [
    [
     "bpm",
     "f",
     10,
     1000
    ],
    [
     "position_beats",
     "f",
     -1000,
     1000000
    ],
    [
     "playing",
     "i",
     0,
     1
    ]
   ],
   "keys": {
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "loop_start_beats": [
     "loop_start_beats",
     "f",
     -1000,
     1000000
    ],
    "loop_end_beats": [
     "loop_end_beats",
     "f",
     -1000,
     1000000
    ],
    "age_s": [
     "age_s",
     "f",
     0,
     3.0
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ],
    "token": [
     "token",
     "s",
     0,
     200
    ],
    "user": [
     "user",
     "s",
     0,
     200
    ]
   }
  },
  "estimate": {
   "arguments": [],
   "keys": {
    "prompt": [
     "prompt",
     "s",
     0,
     4000
    ],
    "clip": [
     "clip",
     "s",
     1,
     1000
    ],
    "start_s": [
     "start_s",
     "f",
     0,
     1200.0
    ],
    "end_s": [
     "end_s",
     "f",
     0,
     1680.0
    ],
    "from_s": [
     "from_s",
     "f",
     0,
     1200.0
    ],
    "context_s": [
     "context_s",
     "f",
     1,
     30
    ],
    "join": [
     "join",
     "s",
     null,
     null,
     [
      "append",
      "new"
     ]
    ],
    "duration_s": [
     "duration_s",
     "f",
     0.5,
     480.0
    ],
    "bars": [
     "bars",
     "i",
     1,
     512
    ],
    "bpm": [
     "bpm",
     "f",
     20,
     400
    ],
    "beats_per_bar": [
     "beats_per_bar",
     "i",
     1,
     16
    ],
    "beat_unit": [
     "beat_unit",
     "i",
     2,
     16
    ],
    "key": [
     "key",
     "s",
     1,
     20
    ],
    "section": [
     "section",
     "s",
     null,
     null,
     [
      "intro",
      "verse",
      "chorus",
      "verse2",
      "outro"
     ]
    ],
    "seed": [
     "seed",
     "i",
     0,
     2147483647
    ],
    "variations": [
     "variations",
     "i",
     1,
     8
    ],
    "guidance": [
     "guidance",
     "f",
     0,
     20
    ],
    "model": [
     "model",
     "s",
     1,
     1000
    ],
    "preset": [
     "preset",
     "s",
     1,
     60
    ],
    "play": [
     "play",
     "i",
     0,
     1
    ],
    "start": [
     "start",
     "s",
     null,
     null,
     [
      "now",
      "bar",
      "next_loop"
     ]
    ],
    "reply_port": [
     "reply_port",
     "i",
     1,
     65535
    ]
   }
  }
 },
 "replies": {
  "welcome": {
   "arguments": [
    [
     "version",
     "s"
    ],
    [
     "protocol",
     "i"
    ],
    [
     "lease_s",
     "f"
    ]
   ],
   "keys": {}
  },
  "ack": {
   "arguments": [],
   "keys": {}
  },
  "queued": {
   "arguments": [
    [
     "position",
     "i"
    ]
   ],
   "keys": {}
  },
  "progress": {
   "arguments": [
    [
     "done_s",
     "f"
    ],
    [
     "total_s",
     "f"
    ],
    [
     "rtf",
     "f"
    ]
   ],
   "keys": {}
  },
  "chunk": {
   "arguments": [
    [
     "index",
     "i"
    ],
    [
     "start_s",
     "f"
    ],
    [
     "duration_s",
     "f"
    ],
    [
     "path",
     "s"
    ]
   ],
   "keys": {
    "variation": "i"
   }
  },
  "done": {
   "arguments": [
    [
     "path",
     "s"
    ],
    [
     "duration_s",
     "f"
    ]
   ],
   "keys": {
    "others": "s",
    "seed": "i",
    "first_chunk_s": "f",
    "bpm": "f",
    "bpm_measured": "f",
    "downbeat_ms": "f",
    "key": "s",
    "join_click_db": "f"
   }
  },
  "fail": {
   "arguments": [
    [
     "code",
     "s"
    ],
    [
     "message",
     "s"
    ]
   ],
   "keys": {
    "path": "s",
    "duration_s": "f",
    "others": "s"
   }
  },
  "cancelled": {
   "arguments": [
    [
     "path",
     "s"
    ],
    [
     "duration_s",
     "f"
    ]
   ],
   "keys": {
    "others": "s"
   }
  },
  "entry": {
   "arguments": [
    [
     "index",
     "i"
    ],
    [
     "job",
     "s"
    ],
    [
     "state",
     "s"
    ]
   ],
   "keys": {
    "kept": "i",
    "prompt": "s",
    "clip": "s",
    "seed": "i",
    "path": "s",
    "others": "s",
    "duration_s": "f"
   }
  },
  "state": {
   "arguments": [
    [
     "state",
     "s"
    ]
   ],
   "keys": {
    "job": "s",
    "pid": "i",
    "model": "s",
    "paused": "i",
    "folder": "s",
    "audio_device": "s",
    "others": "s",
    "transport": "s",
    "problem": "s",
    "path": "s",
    "duration_s": "f"
   }
  },
  "preset": {
   "arguments": [
    [
     "index",
     "i"
    ],
    [
     "count",
     "i"
    ],
    [
     "name",
     "s"
    ],
    [
     "bank",
     "s"
    ]
   ],
   "keys": {
    "prompt": "s",
    "shortened": "i"
   }
  },
  "model": {
   "arguments": [
    [
     "index",
     "i"
    ],
    [
     "count",
     "i"
    ],
    [
     "name",
     "s"
    ]
   ],
   "keys": {}
  },
  "estimated": {
   "arguments": [
    [
     "first_s",
     "f"
    ],
    [
     "total_s",
     "f"
    ]
   ],
   "keys": {
    "wait_s": "f",
    "new_s": "f",
    "measured": "i"
   }
  }
 }
};

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

    // Bytes that [address, value, \u2026] takes on the wire.
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

    // \u2192 { message: [address, id, \u2026] } or { problem: "\u2026" }. What is undefined is left out; a key that the table does not have is a problem.
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

    // A message from the daemon \u2192 { reply, id, field: value, \u2026 }, or null where it is none that the table has.
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

// Bars, beats, seconds and keys. Pure. "Beats" are Live's: quarter notes, whatever the signature.
var Music = (function () {
    var ROOTS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    var MAX_BPM = 400, MAX_BEATS_PER_BAR = 16; // the daemon's
    var CONTEXT_S = 30; // the most that the daemon listens back

    // A signature as the daemon counts it: bpm is quarter notes in every metre. It knows no whole notes: 2/1 is 8/4.
    function metre(tempo, numerator, denominator) {
        var quarters = numerator * 4 / denominator, unit = denominator === 1 ? 4 : denominator, beats = quarters * unit / 4;
        return {
            bpm: tempo,
            beats_per_bar: beats,
            beat_unit: unit,
            quarters_per_bar: quarters,
            bar_s: quarters * 60 / tempo,
            fits: tempo >= 20 && tempo <= MAX_BPM && beats <= MAX_BEATS_PER_BAR && quarters <= MAX_BEATS_PER_BAR && unit <= 16
        };
    }

    // "A minor", or "" where it is neither major nor minor, or nobody has chosen it. `scale_mode`: 1, 0, or undefined before Live 12.0.5,
    // where C major is also what a set says in which no one ever chose a key.
    function key(root, scale, scale_mode) {
        var mode = { Major: "major", Minor: "minor" }[scale];
        if (!mode || ROOTS[root] === undefined || scale_mode === 0 || (scale_mode === undefined && root === 0 && mode === "major")) {
            return "";
        }
        return ROOTS[root] + " " + mode;
    }

    // Live's warp markers, as the JSON text it gives, in order of beats. [] where it is none.
    function markers(text) {
        var read, list;
        try {
            read = JSON.parse(text);
        } catch (error) {
            return [];
        }
        list = (read && read.warp_markers) || [];
        return list.slice().sort(function (a, b) {
            return a.beat_time - b.beat_time;
        });
    }

    function span(list, beat) {
        var i = 1;
        while (i < list.length - 1 && list[i].beat_time < beat) {
            i++;
        }
        return [list[i - 1], list[i]];
    }

    // Seconds in the file at a beat of the clip; the outer markers' tempo goes on beyond them.
    function secondsAt(list, beat) {
        var pair = span(list, beat), a = pair[0], b = pair[1];
        return a.sample_time + (beat - a.beat_time) * (b.sample_time - a.sample_time) / (b.beat_time - a.beat_time);
    }

    // The file's own tempo around a beat.
    function tempoAt(list, beat) {
        var pair = span(list, beat);
        return 60 * (pair[1].beat_time - pair[0].beat_time) / (pair[1].sample_time - pair[0].sample_time);
    }

    // What of a clip is the source. `clip`: Live's properties by name. `brace`: { on, start, length } in beats of the song.
    // \u2192 { path, start_s, end_s, file_s, bpm (of the file, or the song's), end_beat (in the song; arrangement only), in_session }
    // or { problem }.
    function source(clip, tempo, brace) {
        var list = clip.warping ? markers(clip.warp_markers) : [], warped = list.length > 1;
        var start = clip.loop_start, end = clip.loop_end, end_beat = clip.end_time, from, to;
        if (clip.warping && !warped) {
            return { problem: "Live does not give this clip's warp markers" };
        }
        if (!clip.looping && clip.is_session) {
            start = clip.start_marker;
            end = clip.end_marker;
        }
        if (!clip.is_session) {
            from = clip.start_time;
            to = clip.end_time;
            if (brace && brace.on && brace.start < to && brace.start + brace.length > from) {
                from = Math.max(from, brace.start);
                to = Math.min(to, brace.start + brace.length);
            }
            end_beat = to;
            start = inClip(clip, from, tempo, false);
            end = inClip(clip, to, tempo, true);
            if (end <= start) { // it went round: what it repeats
                start = clip.loop_start;
                end = clip.loop_end;
            }
        }
        return placed(clip, warped ? secondsAt(list, start) : start, warped ? secondsAt(list, end) : end, {
            bpm: warped ? tempoAt(list, (start + end) / 2) : tempo,
            end_beat: clip.is_session ? undefined : end_beat
        });
    }

    // Where in the clip a beat of the song is: in beats when warped, in seconds when not.
    function inClip(clip, beat, tempo, is_end) {
        var first = clip.looping ? clip.start_marker : clip.loop_start, length = clip.loop_end - clip.loop_start;
        var at = first + (beat - clip.start_time) * (clip.warping ? 1 : 60 / tempo);
        if (clip.looping && length > 0 && (at > clip.loop_end || (at === clip.loop_end && !is_end))) {
            at = clip.loop_start + (at - clip.loop_start) % length;
            if (is_end && at === clip.loop_start) {
                at = clip.loop_end;
            }
        }
        return at;
    }

    function placed(clip, start_s, end_s, more) {
        var file_s = clip.sample_length / clip.sample_rate;
        start_s = Math.max(0, start_s);
        end_s = Math.min(end_s, file_s || end_s); // an end marker may lie behind the file's end
        if (!clip.file_path) {
            return { problem: "this clip has no file yet: save the set first" };
        }
        if (!(end_s - start_s > 0.05)) {
            return { problem: "there is no sound in this part of the clip" };
        }
        return {
            path: nativePath(clip.file_path),
            name: clip.name,
            start_s: start_s,
            end_s: end_s,
            file_s: file_s || end_s,
            bpm: more.bpm,
            end_beat: more.end_beat,
            in_session: clip.is_session
        };
    }

    function contextSeconds(source) {
        return Math.min(CONTEXT_S, Math.max(1, source.end_s - source.start_s));
    }

    // Older Max writes "Macintosh HD:/Users/\u2026", Windows "C:\\u2026": as the system itself writes it.
    function nativePath(path) {
        return String(path).replace(/^[^\/\\:]{2,}:(?=\/)/, "");
    }

    // For Max's own objects: slashes lean forward on Windows too.
    function maxPath(path) {
        return /^[A-Za-z]:\\/.test(path) ? path.replace(/\\/g, "/") : path;
    }

    // Labels of `marks` equal parts of `bars` bars, the first of which is bar `first` of the song.
    function ruler(first, bars, marks) {
        var labels = [], i, bar, step = bars / marks;
        for (i = 0; i < marks; i++) {
            bar = i * step;
            labels.push(bar === Math.floor(bar) ? String(first + bar) : step >= 0.25 && bars > 1 ? "\u00b7" : "");
        }
        return labels;
    }

    // Bars of the song, counted from 1, at a beat; a fraction where it is inside a bar.
    function barAt(beat, quarters_per_bar) {
        return beat / quarters_per_bar + 1;
    }

    // Milliseconds until the song's next bar.
    function untilBar(beat, tempo, quarters_per_bar) {
        var into = beat % quarters_per_bar;
        return (into < 1e-6 ? 0 : quarters_per_bar - into) * 60000 / tempo;
    }

    return {
        metre: metre, key: key, markers: markers, secondsAt: secondsAt, tempoAt: tempoAt, source: source, contextSeconds: contextSeconds,
        nativePath: nativePath, maxPath: maxPath, ruler: ruler, barAt: barAt, untilBar: untilBar
    };
})();

// What the device says. Pure. Every different text that reaches Max is kept in its memory for ever: numbers that move are whole seconds.
var Words = (function () {
    var COMMAND_LINE = "inspire serve";

    function fixed(number, digits) {
        return number.toFixed(digits);
    }

    function signed(number, digits) {
        return (number < 0 ? "\u2212" : "+") + Math.abs(number).toFixed(digits);
    }

    function seconds(number) {
        return number < 10 ? fixed(number, 1) + " s" : Math.round(number) + " s";
    }

    function many(count, one) {
        return count + " " + one + (count === 1 ? "" : "s");
    }

    // "looking" and "lost" without a daemon, "foreign" with one that cannot be spoken to, "starting", "down", "paused", "ready", "waiting",
    // "making", "done", "failed". \u2192 { mood, text }; mood: idle, ready, busy, good or bad.
    function status(now) {
        switch (now.state) {
        case "looking":
            return { mood: "idle", text: "looking for inspire on port " + now.port };
        case "absent":
            return { mood: "bad", text: "no daemon: in a terminal type  " + COMMAND_LINE };
        case "lost":
            return { mood: "bad", text: "the daemon is gone \u00b7 type  " + COMMAND_LINE };
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
            return { mood: "busy", text: "recording \u00b7 press again to continue it" };
        case "waiting":
            return { mood: "busy", text: now.position ? "waiting \u00b7 " + many(now.position, "job") + " before it" : "starts now" };
        case "making":
            return { mood: "busy", text: making(now) };
        case "stopping":
            return { mood: "busy", text: "stopping" };
        case "done":
            return { mood: "good", text: "done \u00b7 " + length(now) + (now.takes > 1 ? " \u00b7 " + many(now.takes, "take") : "") };
        case "stopped":
            return { mood: "good", text: now.duration_s ? "stopped \u00b7 " + seconds(now.duration_s) + " kept" : "stopped \u00b7 nothing made yet" };
        case "failed":
            return { mood: "bad", text: "not made: " + now.message };
        default:
            return { mood: "ready", text: "ready" + (now.model ? " \u00b7 " + cut(now.model.replace(/^.*[\/\\]/, ""), 16) : "") + (now.first_s ? " \u00b7 first sound in " + seconds(now.first_s) : "") };
        }
    }

    function making(now) {
        var done = Math.floor(now.done_s), left;
        if (!now.total_s) {
            return "making";
        }
        left = now.rtf ? Math.ceil((now.total_s - now.done_s) * now.rtf) : 0;
        return (now.bar_s ? "making bar " + Math.min(Math.floor(now.done_s / now.bar_s) + 1, Math.ceil(now.total_s / now.bar_s - 0.01)) + " of "
            + Math.ceil(now.total_s / now.bar_s - 0.01) : "making \u00b7 " + done + " of " + Math.round(now.total_s) + " s") + (left > 1 ? " \u00b7 " + left + " s left" : "");
    }

    function length(now) {
        return now.bars ? many(now.bars, "bar") : seconds(now.duration_s);
    }

    // "124.00 bpm, downbeat +3 ms, A minor, join \u221231 dB, seed 4711": what was measured of it. `result`: from the daemon and the file beside the sound.
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
        return clip.name + " \u00b7 " + (bars ? bars + " \u00b7 " : "") + seconds(clip.start_s) + " to " + seconds(clip.end_s);
    }

    // "Intro 4 \u00b7 Verse 8 \u00b7 Drop 16, on from riff": what Arrange will make.
    function sections(plan, clip) {
        return plan.problem || cut(plan.names.join(" \u00b7 "), 40) + (plan.goes_on ? ", on from " + cut(clip, 14) : "");
    }

    // "4 bars", where a part is whole bars long within a hundredth of one; else "".
    function wholeBars(length_s, bar_s) {
        var bars = length_s / bar_s;
        return bars > 0.9 && Math.abs(bars - Math.round(bars)) < 0.01 ? many(Math.round(bars), "bar") : "";
    }

    function host(set, key) {
        return fixed(set.tempo, 2) + " bpm \u00b7 " + set.numerator + "/" + set.denominator + (key ? " \u00b7 " + key : "");
    }

    // On the button: what a press will do. It has 96 pixels.
    function go(mode, bars) {
        return ["Generate", "Continue", "Fill", "Arrange"][mode] + (mode === 2 || !bars ? "" : " " + many(bars, "bar"));
    }

    // In the list: "\u2665 dub techno \u00b7 8 bars".
    function result(one) {
        return (one.kept ? "\u2665 " : "") + cut(one.prompt || one.clip || one.id, 22);
    }

    function cut(text, most) {
        return text.length > most ? text.slice(0, most - 1) + "\u2026" : text;
    }

    return { COMMAND_LINE: COMMAND_LINE, status: status, grid: grid, source: source, sections: sections, wholeBars: wholeBars, host: host, go: go, result: result, cut: cut, seconds: seconds, many: many };
})();

// Live's locators as the sections of a piece, for /inspire/arrange. Pure. Beats are Live's: quarter notes, whatever the signature.
var Sections = (function () {
    var SLACK = 0.02; // beats: Live's own rounding

    // "Drop = dark, drums" has a name and words of its own. What divides sections in the daemon's text is left out.
    function nameAndWords(text, number) {
        var found = /^([^=:]*)[=:](.*)$/.exec(text), name = found ? found[1] : text, words = found ? found[2] : "";
        name = name.replace(/[|;=:\s]+/g, " ").replace(/^ | $/g, "");
        return { name: name || "part " + number, words: words.replace(/[|;\r\n]+/g, ",").replace(/^\s+|\s+$/g, "") };
    }

    // From locator to locator; one that is called End, or the loop brace's end, ends the last, or it has `bars` bars.
    function spans(locators, brace, quarters, bars) {
        var found = [], on = brace && brace.on, i, from, to;
        for (i = 0; i < locators.length; i++) {
            if (/^=?end$/i.test(locators[i].name)) {
                break;
            }
            from = locators[i].beat;
            to = i + 1 < locators.length ? locators[i + 1].beat : on ? brace.start + brace.length : from + bars * quarters;
            if (on) {
                from = Math.max(from, brace.start);
                to = Math.min(to, brace.start + brace.length);
            }
            if (to > from + SLACK) {
                found.push({ name: locators[i].name, from: from, to: to });
            }
        }
        return found;
    }

    // Only what comes after a clip's end, where that lies in the piece.
    function after(sections, beat) {
        var left = [], i;
        for (i = 0; i < sections.length; i++) {
            if (sections[i].to > beat + SLACK) {
                left.push({ name: sections[i].name, from: sections[i].from < beat - SLACK ? beat : sections[i].from, to: sections[i].to });
            }
        }
        return left;
    }

    // `locators`: [{ name, beat }] in order; `bars`: of the last one where nothing ends it; `end`: the beat where the chosen clip of the
    // arrangement ends, or nothing.
    // \u2192 { text, names: ["Intro 4", \u2026], bars, beat, goes_on, all_say_it } or { problem }.
    function plan(locators, brace, quarters, bars, end) {
        var sections = spans(locators, brace, quarters, bars), goes_on, parts = [], names = [], total = 0, all = true, i, one, count;
        if (!sections.length) {
            return { problem: "set locators: each becomes a section" };
        }
        goes_on = end !== undefined && end > sections[0].from - SLACK && end < sections[sections.length - 1].to - SLACK;
        sections = goes_on ? after(sections, end) : sections;
        for (i = 0; i < sections.length; i++) {
            one = nameAndWords(sections[i].name, i + 1);
            count = (sections[i].to - sections[i].from) / quarters;
            if (Math.abs(count - Math.round(count)) * quarters > SLACK || Math.round(count) < 1) {
                return { problem: Words.cut(one.name, 20) + " does not last whole bars" };
            }
            count = Math.round(count);
            total += count;
            all = all && one.words !== "";
            parts.push(one.name + ":" + count + (one.words ? "=" + one.words : ""));
            names.push(one.name + " " + count);
        }
        return { text: parts.join(" | ") + " |", names: names, bars: total, beat: sections[0].from, goes_on: goes_on, all_say_it: all };
    }

    return { plan: plan };
})();

// From what is on the device to the command that asks for it. Pure.
// `settings`: mode, bars, takes, drums, key, guidance, seed, lock, dice (another seed each time), hear, prompt, preset, model. `set`: what Live says of itself.
var Requests = (function () {
    var BARS = [1, 2, 4, 8, 16];
    var GENERATE = 0, CONTINUE = 1, FILL = 2, ARRANGE = 3;
    var SAME_TEMPO = 0.005; // as a share: closer than that a file is taken to be in the set's tempo

    // The words to send: with what is asked of drums, unless they speak of drums themselves. "" where there are none.
    function prompt(settings, preset) {
        var words = settings.prompt.replace(/^\s+|\s+$/g, ""), drums = ["", "drums", "no drums"][settings.drums];
        if (drums && !/\bdrum/i.test(words)) {
            if (!words && preset && !preset.shortened) {
                words = preset.prompt || "";
                if (/\bdrum/i.test(words)) {
                    words = words.replace(/(,\s*)?\bdrums\b/i, "");
                }
            }
            words = words ? words + ", " + drums : drums;
        }
        return words;
    }

    // \u2192 { name, values, asked: { bars, bar_s, bpm, total_s, prompt } } or { problem }.
    // `source` as Music.source makes it; `preset` as the daemon sent it, or nothing; `target` as Placing.target makes it;
    // `daemon`: its state as last reported.
    function build(settings, set, source, preset, target, daemon) {
        var metre = Music.metre(set.tempo, set.numerator, set.denominator), bars = BARS[settings.bars], values = {}, words, name;
        words = prompt(settings, preset);
        if (!Osc.knows(["generate", "continue", "fill", "arrange"][settings.mode])) {
            return { problem: "this device was built for a daemon that cannot do it" };
        }
        if (settings.mode === ARRANGE) {
            return arrange(settings, set, source, preset, words, metre, daemon);
        }
        if (settings.mode !== GENERATE && (!source || source.problem)) {
            return { problem: source ? source.problem : "select an audio clip to " + (settings.mode === FILL ? "fill" : "continue") };
        }
        if (settings.mode === GENERATE && !words && !settings.preset) {
            return { problem: "write what to play, or choose a preset" };
        }
        tempo(values, metre, bars, source, settings.mode);
        common(values, settings, set, daemon);
        if (target && target.kind === "arrangement") {
            values.section = section(set.locators || [], target.beat);
        }
        name = ["generate", "continue", "fill"][settings.mode];
        if (settings.mode === GENERATE) {
            values.prompt = words || " "; // Max may drop an empty text; the daemon takes a blank one for none
        } else {
            values.clip = source.path;
            if (words) {
                values.prompt = words;
            }
        }
        if (settings.mode === CONTINUE) {
            goOn(values, source);
        }
        if (settings.mode === FILL) {
            values.start_s = source.start_s;
            values.end_s = source.end_s;
            delete values.bars;
            delete values.duration_s;
        }
        return { name: name, values: name === "fill" ? Osc.having(name, values) : values, asked: asked(values, metre, words, source, settings, preset) };
    }

    // From where in a clip it goes on, and how much of it the model reads.
    function goOn(values, source) {
        values.from_s = source.whole ? undefined : source.end_s; // to its end, which only the file knows to the sample
        values.context_s = Music.contextSeconds(source);
        values.join = "new";
    }

    // What Arrange would make now: see Sections.plan.
    function sections(settings, set, source) {
        var end = source && !source.problem && source.place ? source.place.beat : undefined;
        return Sections.plan(set.locators || [], set.brace, set.numerator * 4 / set.denominator, BARS[settings.bars], end);
    }

    // A whole piece from the locators, on from the chosen clip where that ends in it.
    function arrange(settings, set, source, preset, words, metre, daemon) {
        var plan = sections(settings, set, source), values = {}, made;
        if (plan.problem) {
            return plan;
        }
        if (!words && !settings.preset && !plan.goes_on && !plan.all_say_it) {
            return { problem: "write what to play, or choose a preset" };
        }
        if (!metre.fits) {
            return { problem: "Arrange needs 20 to 400 bpm, and bars of 16 beats at most" };
        }
        tempo(values, metre, plan.bars, plan.goes_on ? source : null, plan.goes_on ? CONTINUE : GENERATE);
        common(values, settings, set, daemon);
        made = asked(values, metre, words, source, settings, preset);
        delete values.bars; // its sections'
        values.sections = plan.text;
        if (words) {
            values.prompt = words;
        }
        if (plan.goes_on) {
            values.clip = source.path;
            goOn(values, source);
        }
        return { name: "arrange", values: values, asked: made };
    }

    // The part of the piece that a beat lies in: the last locator at or before it that is named as the daemon names sections.
    function section(locators, beat) {
        var known = TABLE.commands.generate.keys.section[4], found, i, name;
        for (i = 0; i < locators.length && locators[i].beat <= beat + 1e-3; i++) {
            name = locators[i].name.toLowerCase().replace(/[^a-z]/g, "");
            if (known.indexOf(name) >= 0) {
                found = name;
            }
        }
        return found;
    }

    function tempo(values, metre, bars, source, mode) {
        var own = source && mode !== GENERATE && Math.abs(source.bpm / metre.bpm - 1) > SAME_TEMPO;
        if (!metre.fits) {
            values.duration_s = bars * metre.bar_s;
            return;
        }
        // A clip that Live stretches is read by the model as it is in its file: what follows must have that tempo too.
        values.bpm = own ? source.bpm : metre.bpm;
        values.beats_per_bar = metre.beats_per_bar;
        if (metre.beat_unit !== 4) {
            values.beat_unit = metre.beat_unit;
        }
        values.bars = bars;
    }

    function common(values, settings, set, daemon) {
        var key = settings.key === 1 ? Music.key(set.root_note, set.scale_name, set.scale_mode) : "";
        if (key) {
            values.key = key;
        }
        values.variations = settings.takes + 1;
        if (settings.guidance >= 0.05) {
            values.guidance = settings.guidance;
        }
        values.seed = settings.lock ? settings.seed : settings.dice; // always said, so that it can be locked afterwards
        if (settings.preset) {
            values.preset = settings.preset;
        }
        if (settings.model) {
            values.model = settings.model;
        }
        values.play = settings.hear ? 1 : 0;
        if (values.play && set.is_playing && (Osc.knows("transport") || (daemon && daemon.transport === "playing"))) {
            values.start = "bar";
        }
    }

    function asked(values, metre, words, source, settings, preset) {
        var bpm = values.bpm || metre.bpm, bar_s = metre.quarters_per_bar * 60 / bpm, bars = values.bars;
        if (settings.mode === FILL) {
            bars = Math.round((source.end_s - source.start_s) / bar_s * 100) / 100;
        }
        return {
            bars: bars,
            bar_s: bar_s,
            bpm: bpm,
            quarters_per_bar: metre.quarters_per_bar,
            total_s: settings.mode === FILL ? source.end_s - source.start_s : bars ? bars * bar_s : values.duration_s,
            follows_set: Math.abs(bar_s / metre.bar_s - 1) <= SAME_TEMPO,
            prompt: words || (preset && preset.name) || settings.preset || (source && source.name) || "",
            takes: values.variations
        };
    }

    // What the daemon is sent of Live's transport. A signature that the daemon does not take, such as 20/4, is left out.
    function transport(set) {
        var reported = { bpm: set.tempo, position_beats: set.beat, playing: set.is_playing ? 1 : 0 };
        var whole_notes = set.denominator === 1, beats = whole_notes ? 4 * set.numerator : set.numerator;
        if (beats <= 16 && set.numerator * 4 / set.denominator <= 16) {
            reported.beats_per_bar = beats;
            reported.beat_unit = whole_notes ? 4 : set.denominator;
        }
        if (set.brace && set.brace.on) {
            reported.loop_start_beats = set.brace.start;
            reported.loop_end_beats = set.brace.start + set.brace.length;
        }
        return reported;
    }

    return { BARS: BARS, GENERATE: GENERATE, CONTINUE: CONTINUE, FILL: FILL, ARRANGE: ARRANGE, prompt: prompt, sections: sections, build: build, transport: transport };
})();

// One device's talk with the daemon: hello, jobs, results; and what to do when one of them is silent. Pure but for `io`:
// send([address, value, \u2026]), listen(port), now() in ms, random() from 0 to 1, changed(), arrived(result), note(text).
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

    // Puts `files` ([{ path, name }]) of `length_s` seconds where `target` says. Then calls done([{ ok, text, reveal }, \u2026]), one for each.
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

// Live's object model, as the logic wants it. The only place that makes a LiveAPI.
// A LiveAPI never throws: it prints a line in Max's console and answers with nothing. Every reader here copes with nothing.
var Live = (function () {
    var TICK_MS = 60; // until what was set can be read back
    var tasks = [], fixed = {}, version_read;

    function api(where) {
        if (where === "live_set" || where === "live_app") { // these never change
            fixed[where] = fixed[where] || new LiveAPI(function () {}, where);
            return fixed[where];
        }
        return new LiveAPI(function () {}, typeof where === "number" ? "id " + where : where);
    }

    function idOf(where) {
        return Number(api(where).id) || 0;
    }

    function list(value) {
        return value === undefined || value === null ? [] : value instanceof Array || typeof value === "object" ? Array.prototype.slice.call(value) : [value];
    }

    // One value; a text in several words comes as several values.
    function get(where, property) {
        var values = list(api(where).get(property));
        return values.length > 1 ? values.join(" ") : values[0];
    }

    function text(where, property) {
        var value = get(where, property);
        return value === undefined ? "" : String(value); // a clip named 808 comes as a number
    }

    function number(where, property) {
        return Number(get(where, property)) || 0;
    }

    // "id 3 id 4 \u2026" \u2192 [3, 4, \u2026], without the 0 that stands for none.
    function ids(where, property) {
        var values = list(api(where).get(property)), found = [], i;
        for (i = 0; i + 1 < values.length; i += 2) {
            if (values[i] === "id" && Number(values[i + 1])) {
                found.push(Number(values[i + 1]));
            }
        }
        return found;
    }

    function child(where, property) {
        return ids(where, property)[0] || 0;
    }

    function set(where, property, value) {
        api(where).set(property, typeof value === "number" ? Math.round(value * 1e6) / 1e6 : value);
    }

    // At most two arguments. Written out: `apply` on Max's own objects is not to be trusted.
    function call(where, name, first, second) {
        var object = api(where);
        first = typeof first === "number" ? Math.round(first * 1e6) / 1e6 : first;
        second = typeof second === "number" ? Math.round(second * 1e6) / 1e6 : second;
        if (second !== undefined) {
            return object.call(name, first, second);
        }
        return first !== undefined ? object.call(name, first) : object.call(name);
    }

    function song() {
        return idOf("live_set");
    }

    function version() {
        if (!version_read) {
            version_read = [Number(call("live_app", "get_major_version")) || 11, Number(call("live_app", "get_minor_version")) || 0, Number(call("live_app", "get_bugfix_version")) || 0];
        }
        return version_read;
    }

    function path(where) {
        return String(api(where).path).replace(/"/g, "");
    }

    function later(run, ms) {
        var task = new Task(function () {
            tasks.splice(tasks.indexOf(task), 1);
            run();
        });
        tasks.push(task); // a task that nobody holds may be collected before it runs
        task.schedule(ms === undefined ? TICK_MS : ms);
    }

    // Tells of each change of a property. Nothing may be written to Live inside `changed`.
    function observe(where, property, changed) {
        var observer = new LiveAPI(changed, where);
        observer.property = property;
        return observer;
    }

    function since(wanted) {
        return Placing.atLeast(version(), wanted);
    }

    // What the set says of itself, for a request.
    function state() {
        var scene = /scenes (\d+)/.exec(path("live_set view selected_scene"));
        return {
            tempo: number("live_set", "tempo") || 120,
            numerator: number("live_set", "signature_numerator") || 4,
            denominator: number("live_set", "signature_denominator") || 4,
            root_note: number("live_set", "root_note"),
            scale_name: text("live_set", "scale_name"),
            scale_mode: since([12, 0, 5]) ? number("live_set", "scale_mode") : undefined,
            beat: number("live_set", "current_song_time"),
            is_playing: number("live_set", "is_playing") === 1,
            brace: { on: number("live_set", "loop") === 1, start: number("live_set", "loop_start"), length: number("live_set", "loop_length") },
            scene: scene ? Number(scene[1]) : 0,
            in_arrangement: text("live_app view", "focused_document_view") === "Arranger"
        };
    }

    function locators() {
        var points = ids("live_set", "cue_points"), found = [], i;
        for (i = 0; i < points.length; i++) {
            found.push({ name: text(points[i], "name"), beat: number(points[i], "time") });
        }
        return found.sort(function (a, b) {
            return a.beat - b.beat;
        });
    }

    // The track that the device is on: 0 on the master or a return, where no clip can be.
    function ownTrack() {
        var found = /^live_set tracks \d+/.exec(path("this_device"));
        return found ? idOf(found[0]) : 0;
    }

    // The clip that is shown below, else the one that plays on the device's track: its id, or 0 where it holds no audio.
    function chosenClip() {
        var clip = child("live_set view", "detail_clip"), track, playing, slots;
        if (!clip || !number(clip, "is_audio_clip")) {
            track = ownTrack();
            playing = track ? number(track, "playing_slot_index") : -1;
            slots = track && playing >= 0 ? ids(track, "clip_slots") : [];
            clip = slots[playing] ? child(slots[playing], "clip") : 0;
        }
        return clip && number(clip, "is_audio_clip") ? clip : 0;
    }

    // What Music.source reads, and where the clip is: { track, slot } or { track, beat }.
    function clip(id) {
        var names = ["loop_start", "loop_end", "start_marker", "end_marker", "start_time", "end_time", "sample_length", "sample_rate"], shown = {}, where, i;
        for (i = 0; i < names.length; i++) {
            shown[names[i]] = number(id, names[i]);
        }
        shown.warping = number(id, "warping") === 1;
        shown.looping = number(id, "looping") === 1;
        shown.is_session = number(id, "is_arrangement_clip") !== 1;
        shown.file_path = text(id, "file_path");
        shown.name = text(id, "name") || shown.file_path.replace(/^.*[\/\\]/, "");
        shown.warp_markers = shown.warping ? text(id, "warp_markers") : "";
        where = path(id);
        shown.track = idOf((/^live_set tracks \d+/.exec(where) || ["live_set tracks -1"])[0]);
        shown.slot = (/clip_slots (\d+)/.exec(where) || [])[1];
        shown.slot = shown.slot === undefined ? undefined : Number(shown.slot);
        return shown;
    }

    // What stands in the JSON file beside a sound, about its making: {} where it cannot be read. Numbers and names in ASCII only.
    function facts(path) {
        var file = new File(path.replace(/\.[^.]*$/, ".json"), "read"), text = "", piece, sidecar, found;
        if (!file.isopen) {
            return {};
        }
        do {
            piece = file.readstring(4096) || "";
            text += piece;
        } while (piece.length && text.length < 65536);
        file.close();
        try {
            sidecar = JSON.parse(text);
            found = sidecar.engine || {};
            found.first_chunk_s = sidecar.timings ? sidecar.timings.first_chunk_s : undefined; // as the client waited, not as the engine worked
            return found;
        } catch (error) {
            return {};
        }
    }

    // A folder that is there for certain and can be written to: the saved set's. "" where it is not saved, or this Live does not say.
    function setFolder() {
        return since(version()[0] === 11 ? [11, 3, 25] : [12, 0, 5]) ? Music.nativePath(text("live_set", "file_path")).replace(/[^\/\\]*$/, "") : "";
    }

    function stop() {
        var i;
        for (i = 0; i < tasks.length; i++) {
            tasks[i].cancel();
        }
        tasks = [];
    }

    return {
        get: get, ids: ids, child: child, set: set, call: call, song: song, version: version, later: later, observe: observe, state: state, locators: locators,
        ownTrack: ownTrack, chosenClip: chosenClip, clip: clip, facts: facts, setFolder: setFolder, stop: stop
    };
})();

var Device = (function () {

// The device's state, how it begins and how it keeps up with Live. Runs inside one function with the other files of this folder, see
// build.py: Max calls a global function whenever a message of its name comes, and these are named as the controls are.
var TICK_MS = 500, GROWTH_MS = 1000, NOTICE_MS = 8000, LOADING_MS = 1000;
var settings = {
    mode: 0, bars: 2, takes: 0, drums: 0, key: 1, guidance: 0, seed: 0, lock: 0, hear: 1, gain: 0, where: 0, auto_place: 1, port: 7770,
    prompt: "", bank: "", preset: "", model: ""
};
var session = null, clock = null, observers = [], shown = {}, colours = {};
var set = null, source = null, source_clip = 0, drawn_source = "", result = null, take = 0, listening = false;
var recording = null, notice = null, grown_at = 0, started_at = 0, ticks = 0, estimated = "", looked_back = false;
var MOODS = { idle: "live_control_bg", ready: "live_control_bg", busy: "live_control_selection", good: "live_value_arc", bad: "live_alert" };

// From inlet 0: what a control says; from inlet 1: what the daemon says.
function receive(from, name, list) {
    if (from === 1) {
        if (session) {
            session.receive(name, list);
        }
    } else if (Controls.hasOwnProperty(name)) {
        Controls[name](list);
    } else {
        post("inspire: no control is called " + name + "\n");
    }
}

function end() {
    if (clock) {
        clock.cancel();
    }
    Live.stop();
}

function start() {
    if (session) {
        return;
    }
    session = new Session({
        send: function (message) {
            outlet(0, message);
        },
        listen: function (port) {
            outlet(1, ["port", port]);
        },
        now: function () {
            return new Date().getTime();
        },
        random: Math.random,
        changed: draw,
        arrived: arrived,
        note: function (text) {
            post("inspire: " + text + "\n");
        }
    }, settings.port);
    started_at = session.io.now();
    observers = [Live.observe("live_set", "is_playing", tellTransport), Live.observe("live_set", "tempo", tellTransport), Live.observe("live_set view", "detail_clip", soon)];
    outlet(2, ["prompt", "bang"]); // a set that is opened does not say it by itself
    askColours();
    session.start(settings.port);
    clock = new Task(tick);
    clock.interval = TICK_MS;
    clock.repeat(-1);
    refresh();
}

function askColours() {
    var wanted = ["live_control_bg", "live_control_selection", "live_value_arc", "live_alert", "live_control_fg", "live_control_fg_on"], i;
    for (i = 0; i < wanted.length; i++) {
        outlet(2, ["colours", wanted[i]]);
    }
}

function tick() {
    session.tick();
    if (++ticks % 2 === 0) {
        refresh();
    }
}

// Inside an observer's call nothing may be written, so what follows from it happens a moment later.
function soon() {
    if (session) {
        Live.later(refresh);
    }
}

function tellTransport() {
    Live.later(function () {
        if (session) {
            refresh();
            session.ask("transport", Osc.having("transport", Requests.transport(set)));
        }
    }, 1);
}

function refresh() {
    if (!session) {
        return;
    }
    set = Live.state();
    set.locators = settings.mode === Requests.ARRANGE ? Live.locators() : [];
    estimate();
    if (set.is_playing) {
        session.ask("transport", Osc.having("transport", Requests.transport(set)));
    }
    readSource();
    draw();
}

// How long until the first sound, asked anew when what would be asked for has changed.
function estimate() {
    var request, key;
    if (!session.first_s && !looked_back && session.results.length) {
        looked_back = true; // it took as long the last time
        session.first_s = Live.facts(session.results[0].paths[0]).first_chunk_s || 0;
    }
    if (!Osc.knows("estimate") || session.link !== "here" || session.busy()) {
        return;
    }
    request = Requests.build(settings, set, source, preset(), null, session.daemon);
    key = JSON.stringify(request);
    if (!request.problem && key !== estimated) {
        estimated = key;
        session.ask("estimate", Osc.having("estimate", request.values));
    }
}

function readSource() {
    var id = Live.chosenClip(), clip, found, key;
    if (source && source.whole && id === source_clip) {
        return; // what was just recorded stays the source until another clip is chosen
    }
    if (!id) {
        source = null;
        source_clip = 0;
        if (drawn_source) {
            drawn_source = "";
            outlet(2, ["source_sound", "clear"]);
        }
        return;
    }
    clip = Live.clip(id);
    found = Music.source(clip, set.tempo, set.brace);
    key = id + JSON.stringify(found);
    if (source && source.key === key) {
        return; // what was dragged in the picture stays
    }
    source = found;
    source.key = key;
    source.place = { track: clip.track, slot: clip.slot, beat: found.end_beat };
    source_clip = id;
    drawSource();
}

function select(edge, value) {
    var moved;
    if (!source || source.problem || !(value >= 0 && value <= source.file_s) || Math.abs(source[edge] - value) < 0.002) {
        return;
    }
    moved = value - source[edge];
    if (edge === "end_s" && source.place && source.place.beat !== undefined) {
        source.place.beat += moved * source.bpm / 60;
    }
    source[edge] = value;
    draw();
}

// What each control of the face sets off. Runs inside one function, see build.py.

// Lowest and highest of each, as layout.py has them: whatever comes, by MIDI or from an older set, stays within.
var LIMITS = {
    mode: [0, 3], bars: [0, 4], takes: [0, 3], drums: [0, 2], key: [0, 1], guidance: [0, 10], gain: [-60, 6], seed: [0, 9999], lock: [0, 1],
    hear: [0, 1], where: [0, 4], take: [0, 3], auto_place: [0, 1], port: [1024, 65535]
};

function within(name, list) {
    var given = Number(list[0]);
    given = isFinite(given) ? Math.max(LIMITS[name][0], Math.min(LIMITS[name][1], given)) : settings[name] || 0;
    return name === "guidance" || name === "gain" ? given : Math.round(given);
}

function number(name) {
    return function (list) {
        settings[name] = within(name, list);
        refresh();
    };
}

function chosenName(name, none) {
    return function (list) {
        var chosen = list.join(" ");
        settings[name] = chosen === none || chosen === "-" ? "" : chosen;
        show(name + "_saved", [settings[name] || "-"]);
        refresh();
    };
}

function savedName(name) {
    return function (list) {
        var saved = list.join(" ");
        settings[name] = saved === "-" || saved === "0" ? "" : saved;
        drawn_menus = "";
        refresh();
    };
}

// A push button: acts when pressed, and not on what a set that is just opening makes it say.
function press(act) {
    return function (list) {
        if ((list.length && !list[0]) || !session || session.io.now() - started_at < LOADING_MS) {
            return;
        }
        act();
        refresh();
    };
}

var Controls = {
    ready: start,
    mode: number("mode"), bars: number("bars"), takes: number("takes"), drums: number("drums"), key: number("key"), guidance: number("guidance"),
    seed: number("seed"), hear: number("hear"), where: number("where"), auto_place: number("auto_place"),
    prompt: function (list) {
        settings.prompt = list.join(" ");
        refresh();
    },
    bank: function (list) {
        settings.bank = list.join(" ") === "all banks" ? "" : list.join(" ");
        show("bank_saved", [settings.bank || "-"]);
        drawn_menus = "";
        refresh();
    },
    preset: chosenName("preset", "no preset"), model: chosenName("model", "usual model"),
    bank_saved: savedName("bank"), preset_saved: savedName("preset"), model_saved: savedName("model"),
    port: function (list) {
        settings.port = within("port", list);
        outlet(0, ["port", settings.port]);
        if (session && session.port !== settings.port) {
            session.start(settings.port);
        }
    },
    lock: function (list) {
        settings.lock = within("lock", list);
        if (settings.lock && result && result.seed !== undefined && session && session.io.now() - started_at > LOADING_MS) {
            settings.seed = Math.min(result.seed, 9999);
            show("seed", ["set", settings.seed]);
        }
    },
    gain: function (list) {
        settings.gain = within("gain", list);
        outlet(3, ["level", settings.gain <= -60 ? 0 : Math.pow(10, settings.gain / 20), 20]);
        if (session) {
            session.ask("gain", { gain_db: settings.gain });
        }
    },
    go: press(function () {
        outlet(2, ["prompt", "bang"]); // words that were typed, but not entered yet
        go(settings);
    }),
    stop: press(function () {
        session.cancel();
    }),
    again: press(again), record: press(record), listen: press(listen), reveal: press(reveal),
    place: press(function () {
        placeTakes([take]);
    }),
    place_all: press(function () {
        placeTakes(allTakes());
    }),
    results: function (list) {
        if (session) {
            choose(session.results[Number(list[0])]);
            refresh();
        }
    },
    favourite: function (list) {
        if (result && session) {
            session.keep(result, Number(list[0]) ? 1 : 0);
        }
    },
    take: function (list) {
        take = within("take", list);
        if (result) {
            take = Math.min(take, result.paths.length - 1);
            silence();
            drawResult();
        }
        refresh();
    },
    select_start: function (list) {
        select("start_s", Number(list[0]) / 1000);
    },
    select_end: function (list) {
        select("end_s", Number(list[0]) / 1000);
    },
    played: silence,
    source_wave_read: drawRegion,
    result_wave_read: function () {},
    theme: askColours,
    colour: function (list) {
        colours[list[0]] = list.slice(1, 5);
        draw();
    }
};

// What the buttons do. Runs inside one function, see build.py.

function say(mood, text) {
    notice = { mood: mood, text: text, until: session.io.now() + NOTICE_MS };
    draw();
}

function preset() {
    var i;
    for (i = 0; i < session.presets.length; i++) {
        if (session.presets[i] && session.presets[i].name === settings.preset) {
            return session.presets[i];
        }
    }
    return null;
}

function targetNow(mode) {
    var bar = set.numerator * 4 / set.denominator, plan = mode === Requests.ARRANGE ? Requests.sections(settings, set, source) : null, place = mode === Requests.GENERATE || !source || source.problem ? null : source.place;
    if (plan) {
        place = { track: plan.goes_on ? source.place.track : Live.ownTrack(), beat: plan.beat || 0 };
    }
    if (place && mode === Requests.FILL && place.beat !== undefined) {
        place = { track: place.track, beat: place.beat - (source.end_s - source.start_s) * source.bpm / 60 };
    }
    return Placing.target(settings.where, place, Live.ownTrack(),
        { scene: set.scene, beat: set.brace.on ? set.brace.start : Math.ceil(set.beat / bar - 1e-6) * bar, in_arrangement: set.in_arrangement });
}

// `wanted`: the settings, or others in their place.
function go(wanted) {
    var target, request, problem;
    wanted.dice = Math.floor(session.io.random() * 10000);
    set = Live.state();
    set.locators = Live.locators();
    target = targetNow(wanted.mode);
    request = Requests.build(wanted, set, source, preset(), target, session.daemon);
    problem = request.problem || session.submit(request, target);
    if (problem) {
        say("bad", problem);
    } else {
        beginGrowth();
    }
}

function again() {
    var problem = result ? session.again(result, settings.lock ? settings.seed : undefined, settings.hear ? 1 : 0, result.target || targetNow(settings.mode)) : "nothing was made yet";
    if (problem) {
        say("bad", problem);
    } else {
        beginGrowth();
    }
}

function beginGrowth() {
    notice = null;
    silence();
    grown_at = 0;
    result = null;
    outlet(2, ["result_sound", "setsize", Math.round(session.job.total_s * 1000) || 1000, 2]);
    outlet(2, ["result_sound", "clear"]);
}

// Plays into the device: records until pressed again, then continues what was played.
function record() {
    var now = session.io.now(), folder = recordingFolder();
    if (recording) {
        outlet(3, ["recorder", 0]);
        finishRecording(now);
    } else if (!folder) {
        say("bad", "no folder to record to: save the set first");
    } else {
        recording = { path: folder + "recorded-" + now + ".wav", began: now, beat: set.beat };
        outlet(3, ["recorder", "open", Music.maxPath(recording.path), "wave"]);
        outlet(3, ["recorder", 1]);
    }
}

// With its last slash: the results' folder, once there is a result in it, else the set's.
function recordingFolder() {
    return session.results.length ? session.results[0].paths[0].replace(/[^\/\\]*$/, "") : Live.setFolder();
}

function finishRecording(now) {
    var made = recording, length_s = (now - recording.began) / 1000;
    made.source = {
        path: made.path, name: "recorded", start_s: 0, end_s: length_s, file_s: length_s, bpm: set.tempo, whole: true, key: made.path,
        place: { track: Live.ownTrack(), beat: set.in_arrangement ? set.beat : undefined, slot: set.in_arrangement ? undefined : set.scene - 1 }
    };
    source = made.source;
    recording = null;
    Live.later(function () { // the file is closed by then
        var wanted = {}, name;
        for (name in settings) {
            wanted[name] = settings[name];
        }
        wanted.mode = Requests.CONTINUE; // the tab stays as it was: what a patch moves itself is a step of Live's undo
        drawSource();
        go(wanted);
    }, 300);
}

function allTakes() {
    var all = [], i;
    for (i = 0; result && i < result.paths.length; i++) {
        all.push(i);
    }
    return all;
}

function arrived(made) {
    choose(made);
    if (settings.auto_place && session.job && session.job.state === "done") {
        placeTakes(!made.target || Placing.takesAll(Live.version(), made.target) ? allTakes() : [0]);
    }
}

function choose(chosen) {
    if (chosen) {
        silence();
        result = chosen;
        take = Math.min(take, chosen.paths.length - 1);
        drawResult();
    }
}

function placeTakes(takes) {
    var files = [], placed = result, i;
    if (!result) {
        say("bad", "nothing was made yet");
        return;
    }
    for (i = 0; i < takes.length; i++) {
        files.push({ path: result.paths[takes[i]], name: Words.cut(result.prompt || "Inspire", 30) + " " + "ABCD".charAt(takes[i]) });
    }
    set = Live.state();
    Placing.place(Live, files, placed.duration_s, placed.target || targetNow(Requests.GENERATE), function (outcomes) {
        var last = outcomes[outcomes.length - 1], failed = [], i;
        for (i = 0; i < outcomes.length; i++) {
            if (!outcomes[i].ok) {
                failed.push(outcomes[i]);
            }
        }
        if (failed.length) {
            say("bad", "not placed: " + failed[0].text);
        } else {
            say("good", (outcomes.length > 1 ? Words.many(outcomes.length, "take") + ", the last in " : "placed in ") + last.text + otherTempo(placed));
        }
    });
}

// Where the set's tempo is no longer that which it was made in.
function otherTempo(placed) {
    var bar_s = Music.metre(set.tempo, set.numerator, set.denominator).bar_s;
    return placed.asked && Math.abs(placed.asked.bar_s / bar_s - 1) > 0.005 ? " \u00b7 made at " + Math.round(placed.asked.bpm * 100) / 100 + " bpm" : "";
}

function listen() {
    var wait;
    if (listening) {
        silence();
    } else if (result) {
        listening = true;
        outlet(3, ["player", "open", Music.maxPath(result.paths[take])]);
        set = Live.state();
        wait = set.is_playing ? Music.untilBar(set.beat, set.tempo, set.numerator * 4 / set.denominator) : 1;
        Live.later(function () {
            if (listening) {
                outlet(3, ["player", 1]);
            }
        }, wait);
    }
}

function silence() {
    if (listening) {
        listening = false;
        outlet(3, ["player", 0]);
        draw();
    }
}

function reveal() {
    var path = result ? result.paths[take] : "", folder = path ? path.replace(/[^\/\\]*$/, "") : session.daemon.folder;
    if (folder) {
        folder = folder.replace(/\\/g, "/");
        messnamed("max", "launchbrowser", "file://" + (folder.charAt(0) === "/" ? "" : "/") + encodeURI(folder));
    }
}

// What is shown. Runs inside one function with device.js, see build.py. Only what has changed is sent: each message redraws a box, and every different text stays in Max's memory.
var drawn_menus = "", drawn_results = "";

function show(name, values) {
    var key = name + " " + (values.length > 1 ? values[0] : ""), text = JSON.stringify(values);
    if (shown[key] !== text) {
        shown[key] = text;
        outlet(2, [name].concat(values));
    }
}

function draw() {
    var now, status, plan = null, bars = Requests.BARS[settings.bars];
    if (!session || !set) {
        return;
    }
    now = recording ? { state: "recording" } : session.now();
    if (notice && session.io.now() > notice.until) {
        notice = null;
    }
    status = notice && !recording && !session.busy() ? notice : Words.status(now);
    show("status", ["set", Words.cut(status.text, 48)]);
    colour("bgcolor", MOODS[status.mood]);
    colour("textcolor", status.mood === "idle" || status.mood === "ready" ? "live_control_fg" : "live_control_fg_on");
    show("host", ["set", Words.host(set, settings.key === 1 ? Music.key(set.root_note, set.scale_name, set.scale_mode) : "")]);
    if (settings.mode === Requests.ARRANGE) {
        plan = Requests.sections(settings, set, source);
        bars = plan.bars;
    }
    show("go", ["text", Words.go(settings.mode, bars)]);
    show("go", ["active", session.busy() || session.link !== "here" ? 0 : 1]);
    show("stop", ["active", session.busy() ? 1 : 0]);
    show("record", ["text", recording ? "Stop, then continue it" : "Record input, then continue it"]);
    show("listen", ["text", listening ? "Stop" : "Listen"]);
    drawBelow(plan);
    drawMenus();
    grow();
}

function colour(attribute, name) {
    if (colours[name]) {
        show("status", [attribute].concat(colours[name]));
    }
}

function drawBelow(plan) {
    var has = result ? 1 : 0, names = ["again", "listen", "place", "place_all", "favourite"], i, metre, target;
    for (i = 0; i < names.length; i++) {
        show(names[i], ["active", has]);
    }
    show("favourite", ["set", result && result.kept ? 1 : 0]);
    show("take", ["set", take]);
    show("grid", ["set", noSound() || whole() || (result ? Words.cut(Words.grid(result), 60) : " ")]);
    metre = Music.metre(set.tempo, set.numerator, set.denominator);
    show("source", ["set", plan ? Words.sections(plan, source && source.name) : !source ? "no source: select an audio clip" : source.problem ? source.problem
        : Words.source(source, Words.wholeBars(source.end_s - source.start_s, metre.quarters_per_bar * 60 / source.bpm))]);
    target = session.job ? session.job.target : result && result.target;
    if (plan && !plan.problem && !session.job) {
        target = { kind: "arrangement", beat: plan.beat };
    }
    drawRuler(plan, target && target.kind === "arrangement" ? Math.floor(Music.barAt(target.beat, metre.quarters_per_bar) + 1e-6) : 1);
}

// Why it was not made, where the banner has no room for all of it.
function whole() {
    var job = session.job;
    return job && job.state === "failed" && job.message.length > 36 ? Words.cut(job.message, 60) : "";
}

// Why nothing is played while it is made, where that is so.
function noSound() {
    var output = session.daemon.audio_device;
    return settings.hear && session.busy() && output && /none|cannot|busy|not /i.test(output) ? Words.cut("not heard: " + output, 62) : "";
}

// Over what is made; before that over what Arrange would make.
function drawRuler(plan, first) {
    var asked = session.job ? session.job.asked : result && result.asked, bars, labels, i;
    bars = (plan && !session.job && plan.bars) || (asked && asked.bars) || Requests.BARS[settings.bars];
    labels = Music.ruler(first, bars, 8);
    for (i = 0; i < labels.length; i++) {
        show("ruler" + (i + 1), ["set", labels[i] || " "]);
    }
}

function drawSource() {
    if (!source || source.problem) {
        return;
    }
    if (drawn_source !== source.path) {
        drawn_source = source.path;
        outlet(2, ["source_sound", "replace", Music.maxPath(source.path)]);
    }
    show("source_wave", ["grid", Math.round(1000 * 60 / source.bpm * set.numerator * 4 / set.denominator)]);
    drawRegion();
}

function drawRegion() {
    if (source && !source.problem) {
        outlet(2, ["region_start", Math.round(source.start_s * 1000)]);
        outlet(2, ["region_end", Math.round(source.end_s * 1000)]);
    }
}

function drawResult() {
    var bar_s = result.asked ? result.asked.bar_s : 0, facts = Live.facts(result.paths[take] || result.paths[0]), name;
    facts.bpm = facts.bpm_measured || facts.bpm;
    for (name in { bpm: 1, key: 1, join_click_db: 1, downbeat_ms: 1, seed: 1 }) {
        if (facts[name] !== undefined) {
            result[name] = facts[name];
        }
    }
    outlet(2, ["result_sound", "replace", Music.maxPath(result.paths[take] || result.paths[0])]);
    if (bar_s) {
        show("result_wave", ["grid", Math.round(bar_s * 1000)]);
    }
}

// The file that is being written, read again about once a second.
function grow() {
    var job = session.job, now = session.io.now();
    if (job && !job.ended_at && job.path && now - grown_at > GROWTH_MS) {
        grown_at = now;
        show("result_wave", ["grid", Math.round(job.asked.bar_s * 1000)]);
        outlet(2, ["result_sound", "read", Music.maxPath(job.path)]);
    }
}

function fill(name, items, chosen) {
    var i;
    outlet(2, [name, "clear"]);
    for (i = 0; i < items.length; i++) {
        outlet(2, [name, "append", items[i]]);
    }
    outlet(2, [name, "setsymbol", chosen]);
}

function drawMenus() {
    var banks = ["all banks"], names = ["no preset"], models = ["usual model"], results = [], key, i, one;
    for (i = 0; i < session.presets.length; i++) {
        one = session.presets[i];
        if (!one || session.presets.length !== one.count) {
            return; // they come one by one
        }
        if (banks.indexOf(one.bank) < 0) {
            banks.push(one.bank);
        }
        if (!settings.bank || settings.bank === one.bank || settings.preset === one.name) {
            names.push(one.name);
        }
    }
    for (i = 0; i < session.models.length; i++) {
        if (session.models[i]) {
            models.push(session.models[i].name);
        }
    }
    key = banks.length + " " + names.join() + models.join() + settings.bank + settings.preset + settings.model;
    if (session.presets.length && key !== drawn_menus) {
        drawn_menus = key;
        fill("bank", banks, settings.bank || "all banks");
        fill("preset", names, settings.preset || "no preset");
        fill("model", models, settings.model || "usual model");
    }
    for (i = 0; i < session.results.length; i++) {
        results.push(Words.result(session.results[i]));
    }
    key = results.join("|") + "|" + (result ? result.id : "");
    if (results.length && key !== drawn_results) {
        drawn_results = key;
        outlet(2, ["results", "clear"]);
        for (i = 0; i < results.length; i++) {
            outlet(2, ["results", "append", results[i]]);
        }
        outlet(2, ["results", "set", Math.max(0, session.results.indexOf(result))]);
    }
}

return { receive: receive, end: end };
})();

// Max's side: the one global function that messages reach, and what Max asks of a script.
inlets = 2; // controls, replies
outlets = 4; // commands, the replies' port, the face, the sound
autowatch = 0;

function anything() {
    Device.receive(inlet, messagename, arrayfromargs(arguments));
}

function notifydeleted() {
    Device.end();
}
