-- Written by bridge/reaper/build.py from the daemon's table of messages: do not edit.
local protocol = { PROTOCOL = 1 }
protocol.SECTIONS = { "intro", "verse", "chorus", "verse2", "outro" }
protocol.LONGEST_S = 480 -- of what is asked for in one go
protocol.MOST_TAKES = 8

-- What stands first in each reply after its id; key and value pairs follow.
protocol.ARGUMENTS = {
  ["pong"] = { "version", "protocol" },
  ["welcome"] = { "version", "protocol", "lease_s" },
  ["ack"] = {  },
  ["preset"] = { "index", "count", "name", "bank" },
  ["model"] = { "index", "count", "name" },
  ["midi/binding"] = { "index", "action", "kind" },
  ["queued"] = { "position" },
  ["progress"] = { "done_s", "total_s", "rtf" },
  ["chunk"] = { "index", "start_s", "duration_s", "path" },
  ["done"] = { "path", "duration_s" },
  ["fail"] = { "code", "message" },
  ["cancelled"] = { "path", "duration_s" },
  ["found"] = { "count", "shown" },
  ["estimated"] = { "first_s", "total_s" },
  ["entry"] = { "index", "job", "state" },
  ["state"] = { "state" },
}

-- A reply's values by name, with `what` it is and `id`; nil for what is no reply.
function protocol.read_reply(values)
  local name = type(values[1]) == "string" and values[1]:match("^/inspire/(.+)$")
  local arguments = name and protocol.ARGUMENTS[name]
  if not arguments then
    return nil
  end
  local reply = { what = name, id = values[2] }
  for index, argument in ipairs(arguments) do
    reply[argument] = values[2 + index]
  end
  for index = 3 + #arguments, #values - 1, 2 do
    reply[values[index]] = values[index + 1]
  end
  return reply
end

return protocol
