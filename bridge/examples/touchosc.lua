-- TouchOSC: the script of a group that holds a text `prompt`, a button `generate`, a fader `bars`, a button `stop` and a label
-- `state`. In Connections set OSC 1 to UDP, the daemon's host and port 7770 to send, and any port to receive. A daemon on another
-- machine needs its settings host and token; put the token here.
local TOKEN = ""

local count = 0
local job = nil
local started = math.floor(getMillis())

local function ask(address, values)
  count = count + 1
  local id = "touch-" .. started .. "-" .. count
  local arguments = { { tag = "s", value = id } }
  for _, value in ipairs(values) do
    arguments[#arguments + 1] = value
  end
  if TOKEN ~= "" then
    arguments[#arguments + 1] = { tag = "s", value = "token" }
    arguments[#arguments + 1] = { tag = "s", value = TOKEN }
  end
  sendOSC({ address, arguments })
  return id
end

local function text(value)
  return { tag = "s", value = value }
end

-- TouchOSC calls this when a control of the group is touched, through `self:notify(...)` in the control's own script:
--   function onValueChanged(key) if key == "x" and self.values.x == 1 then self.parent:notify(self.name) end end
function onReceiveNotify(name)
  if name == "generate" then
    local bars = math.floor(1 + self.children.bars.values.x * 15 + 0.5)
    job = ask("/inspire/generate", { text(self.children.prompt.values.text), text("bars"), { tag = "i", value = bars }, text("bpm"),
      { tag = "f", value = 124 }, text("play"), { tag = "i", value = 1 } })
    self.children.state.values.text = "asked"
  elseif name == "stop" and job then
    ask("/inspire/cancel", { text("job"), text(job) })
  end
end

function onReceiveOSC(message)
  local address, arguments = message[1], message[2]
  if not arguments[1] or arguments[1].value ~= job then
    return
  end
  local name = address:match("^/inspire/(.+)$")
  local label = self.children.state.values
  if name == "progress" then
    label.text = ("%.0f of %.0f s"):format(arguments[2].value, arguments[3].value)
  elseif name == "fail" then
    label.text = arguments[3].value
  elseif name == "done" or name == "cancelled" or name == "queued" then
    label.text = name
  end
end
