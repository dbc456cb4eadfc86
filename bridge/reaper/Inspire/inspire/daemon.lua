-- What is said to the daemon beside the jobs: whether it is there, what it can, its state, and REAPER's transport for it.
local files = require("inspire.files")
local json = require("inspire.json")
local protocol = require("inspire.protocol")
local requests = require("inspire.requests")
local Session = require("inspire.session")
local state = require("inspire.state")
local transport = require("inspire.transport")

local daemon = {}

local STATUS_S = 2.0 -- between two looks at the daemon's state
local HISTORY = 20 -- earlier results that a new panel shows

-- The takes that came last: what was measured in each.
function daemon.read_measurements()
  for _, take in ipairs(state.session.takes) do
    if not take.is_read then
      take.is_read = true
      local text = files.read(take.path:gsub("%.[^.]*$", "") .. ".json", 0)
      local sidecar = text and json.decode(text)
      if type(sidecar) == "table" then
        Session.measured(take, sidecar)
      end
    end
  end
end

-- Reports where REAPER's playback is, so that what is made plays from its next bar on.
function daemon.report_transport(now)
  local message = state.mailbox.alive and transport.due(state.reported, reaper.EnumProjects(-1), now)
  if message then
    state.mailbox:ask(message, function() end, now, nil, true)
  end
  state.settings.plays = state.reported.plays
end

function daemon.start()
  local command = reaper.GetExtState(state.SECTION, "command")
  reaper.ExecProcess(command ~= "" and command or "inspire serve", -2)
  state.show("Starting the daemon; if nothing happens type  inspire serve  in a terminal")
end

-- How long until the first sound, asked anew when what would be asked for has changed or something was made.
local function ask_estimate()
  local message = state.context and requests.estimate(state.context, state.settings, state.session.can)
  local key = message and table.concat(message, "\n") .. #state.session.takes
  if key == state.estimated then
    return
  end
  state.estimated = key
  state.first_s = nil
  if message then
    state.ask(message, function(reply)
      state.first_s = reply.what == "estimated" and reply.first_s or nil
    end)
  end
end

local function receive_state(reply)
  if reply.what ~= "state" then
    return
  end
  local words = { busy = "Working", idle = "Ready", starting = "Loading the model", down = "The engine is down" }
  local text = words[reply.state] or reply.state
  if reply.model then
    text = text .. "  –  " .. reply.model
  end
  if (reply.problem or "") ~= "" then
    text = text .. "  –  " .. reply.problem
  elseif reply.state == "idle" and state.first_s then
    text = text .. ("  –  first sound in %.1f s"):format(state.first_s)
  end
  state.model.state_text = text
  local device = (reply.audio_device or ""):lower()
  local silent = false
  for _, word in ipairs({ "none", "cannot", "busy", "not " }) do
    silent = silent or device:find(word, 1, true) ~= nil
  end
  state.model.note = silent and state.settings.play and "Not heard while it is made: " .. reply.audio_device or nil
  if reply.state == "idle" then
    ask_estimate()
  end
end

-- Once a daemon is there: who we are, what it can, which presets it has.
local function greet()
  local session = state.session
  state.ask({ "/inspire/hello", "REAPER", protocol.PROTOCOL }, function(reply)
    if reply.what == "fail" then
      state.show(reply.message)
    end
  end)
  state.ask({ "/inspire/fill" }, function(reply) -- without a clip: it only says whether it is known
    session.can.fill = reply.code ~= "unknown_address"
  end)
  if #session.takes == 0 then
    state.ask({ "/inspire/history", "state", "done", "limit", HISTORY }, function(reply)
      session:remember(reply)
      daemon.read_measurements()
    end)
  end
  local presets = {}
  state.ask({ "/inspire/presets" }, function(reply)
    if reply.what == "preset" then
      presets[#presets + 1] = reply.name
      session.presets = presets
    end
  end)
end

function daemon.look_after(now)
  state.mailbox:poll(now)
  local alive = state.mailbox.alive
  if alive and not state.model.alive then
    greet()
  end
  state.model.alive = alive
  if now >= (state.status_at or 0) then
    state.status_at = now + STATUS_S
    if state.status and state.mailbox.open[state.status] then
      return -- not answered yet
    end
    state.status = state.ask({ "/inspire/status" }, receive_state)
  end
end

return daemon
