-- Panel and actions put together: what each part of the panel does, and the loops that run them.
local daemon = require("inspire.daemon")
local files = require("inspire.files")
local listening = require("inspire.listening")
local Mailbox = require("inspire.mailbox")
local panel = require("inspire.panel")
local requests = require("inspire.requests")
local Session = require("inspire.session")
local settings = require("inspire.settings")
local state = require("inspire.state")
local takes = require("inspire.takes")
local verbs = require("inspire.verbs")

local app = {}

local BEAT_S = 1.0 -- the panel says so often that it is open
local LOOK_S = 0.1 -- between two looks at what is selected, of which there may be much

-- What the panel's parts do, each with what comes with its click: text, a step or a take.
local DOES = {
  stop = verbs.stop, again = verbs.again, start = daemon.start, preset = settings.choose_preset, prompt = settings.write_prompt,
  bars = settings.step_bars, takes = settings.step_takes, play = settings.toggle_play, seed = settings.ask_seed,
  listen = takes.listen, use = takes.use, keep = takes.keep,
}
for _, verb in ipairs({ "generate", "continue", "fill", "arrange" }) do
  DOES[verb] = function() return verbs.start(verb) end
end

-- A verb that an action asked this panel for.
local function obey_actions()
  local verb = reaper.GetExtState(state.SECTION, "verb")
  if verb ~= "" then
    reaper.SetExtState(state.SECTION, "verb", "", false)
    if DOES[verb] then
      DOES[verb]()
    end
  end
end

local function prepare(box)
  state.settings = settings.load()
  state.session = Session.new()
  state.reported = {} -- of REAPER's transport
  state.model = { settings = state.settings, session = state.session, alive = false }
  state.mailbox = Mailbox.new(files, files.mailbox(), box)
  return state
end

-- One round: the daemon's replies, what actions asked for, one picture. False when the window was closed.
local function step()
  local now = reaper.time_precise()
  daemon.look_after(now)
  daemon.report_transport(now)
  reaper.SetExtState(state.SECTION, "panel", tostring(now), false)
  obey_actions()
  local model = state.model
  if now >= (state.look_at or 0) then
    state.look_at = now + LOOK_S
    state.context = verbs.look()
  end
  model.buttons = requests.buttons(state.context, state.settings, state.session.can)
  local asked, wheel, open = state.canvas.frame(function(canvas, width, height)
    return panel.draw(canvas, model, width, height)
  end)
  model.scroll = (model.scroll or 0) + wheel
  if asked then
    DOES[asked[1]](asked[2])
  end
  return open
end

-- The panel: on ReaImGui where it is installed, else on gfx. Runs until its window is closed.
function app.open_panel()
  local imgui = require("inspire.canvas_imgui")
  state.canvas = imgui.is_there() and imgui or require("inspire.canvas_gfx")
  if reaper.set_action_options then
    reaper.set_action_options(1) -- starting it twice ends the first
  end
  prepare("reaper")
  state.canvas.open("Inspire", panel.WIDTH, panel.HEIGHT)
  reaper.atexit(function()
    reaper.SetExtState(state.SECTION, "panel", "", false)
    listening.stop()
    state.mailbox:close()
    state.canvas.close()
  end)
  local function loop()
    if step() then
      reaper.defer(loop)
    end
  end
  loop()
  return state
end

-- A verb as an action of its own: the open panel does it, else it is done here until all has ended.
function app.run_action(verb)
  local beat = tonumber(reaper.GetExtState(state.SECTION, "panel"))
  local now = reaper.time_precise()
  if beat and now >= beat and now - beat < 2 * BEAT_S then
    reaper.SetExtState(state.SECTION, "verb", verb, false)
    return state
  end
  prepare("reaper-action")
  state.session.can.fill = true -- it is tried
  if DOES[verb]() == 0 then
    reaper.ShowMessageBox(state.session.message, "Inspire", 0)
    return state
  end
  local since = now
  local function loop()
    local at = reaper.time_precise()
    state.mailbox:poll(at)
    if not state.mailbox.alive and at - since > 10 then
      reaper.ShowMessageBox("No daemon answers: start it with  inspire serve", "Inspire", 0)
      state.mailbox:close()
    elseif state.mailbox:waits() then
      reaper.defer(loop)
    else
      if state.session.message ~= "" then
        reaper.ShowMessageBox(state.session.message, "Inspire", 0)
      end
      state.mailbox:close()
    end
  end
  loop()
  return state
end

return app
