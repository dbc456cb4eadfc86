-- Panel and actions put together: asks the daemon for what is selected, places what comes back.
local arrange = require("inspire.arrange")
local daemon = require("inspire.daemon")
local files = require("inspire.files")
local listening = require("inspire.listening")
local Mailbox = require("inspire.mailbox")
local panel = require("inspire.panel")
local place = require("inspire.place")
local protocol = require("inspire.protocol")
local requests = require("inspire.requests")
local selection = require("inspire.selection")
local Session = require("inspire.session")
local state = require("inspire.state")

local app = {}

local BEAT_S = 1.0 -- the panel says so often that it is open
local LOOK_S = 0.1 -- between two looks at what is selected, of which there may be much
local MOST_BARS = 64
local SETTINGS = { prompt = "", preset = "", bars = "8", takes = "1", play = "1", key = "" } -- as text

app.state = state

local function load_settings()
  local settings = {}
  for name, usual in pairs(SETTINGS) do
    settings[name] = reaper.HasExtState(state.SECTION, name) and reaper.GetExtState(state.SECTION, name) or usual
  end
  settings.bars = math.max(1, math.min(MOST_BARS, math.floor(tonumber(settings.bars) or 8)))
  settings.takes = math.max(1, math.min(protocol.MOST_TAKES, math.floor(tonumber(settings.takes) or 1)))
  settings.play = settings.play == "1"
  settings.seed = math.tointeger(tonumber(reaper.GetExtState(state.SECTION, "seed")))
  return settings
end

local function keep_setting(name)
  local value = state.settings[name]
  if type(value) == "boolean" then
    value = value and 1 or 0
  end
  reaper.SetExtState(state.SECTION, name, value == nil and "" or tostring(value), true)
end

local function put_in(job)
  job.target.duration = job.duration_s
  local placed, why = place.insert(job.target, job.paths, ("%s %s"):format(job.verb, job.label))
  if placed then
    job.placed, job.active = placed, 1
  else
    state.tell(why)
  end
end

-- What is selected, and what arranging it would make.
local function look()
  local context = selection.read(protocol.SECTIONS)
  local range = context.has_time and { from = context.from, to = context.to } or nil
  local marks = selection.marks(context.project)
  context.plan, context.no_plan = arrange.plan(marks, range, context.items, state.settings.bars, selection.measure(context.project))
  return context
end

local hear

-- A daemon that knows of no host that plays: then it is heard at once.
local function ask_without_start(job)
  local message = job.request.message
  for index = 3, #message do
    if message[index] == "start" then
      local again = table.move(message, index + 2, #message + 2, index, { table.unpack(message, 1, index - 1) })
      local id = state.mailbox:new_id()
      job.request.message = again
      state.session:begin(id, job.request)
      state.ask(again, hear, id)
      reaper.SetExtState(state.SECTION, "latest", id, true)
      return
    end
  end
end

function hear(reply)
  local ended = state.session:receive(reply)
  daemon.read_measurements()
  if reply.what == "fail" and reply.code == "no_clock" then
    ask_without_start(state.session.jobs[reply.id])
  end
  if ended then
    put_in(ended)
  end
end

-- A clip that is not what is heard, of an item with a play rate, say, is written down as it is heard.
local function written_down(request)
  if not request.item or request.item.plain then
    return request
  end
  local folder = reaper.GetProjectPathEx(request.item.project) .. "/Inspire"
  files.make(folder)
  local name = ("%s/heard-%s.wav"):format(folder, files.unique())
  local seconds, why = selection.write_heard(request.item, name)
  if not seconds then
    state.tell(why)
    return nil
  end
  return requests.with_heard(request, name, seconds)
end

-- Does a verb with what is selected. Returns how many jobs were asked for.
function app.start(verb)
  daemon.tell_transport(reaper.time_precise())
  local context = look()
  local made, why = requests.make(verb, context, state.settings, state.session.can)
  if #made == 0 and why then
    state.tell(why)
  end
  local count = 0
  for _, request in ipairs(made) do
    local target = request.target
    target.quarters = reaper.TimeMap2_timeToQN(target.project, target.position)
    request = written_down(request)
    if request then
      local id = state.mailbox:new_id()
      state.session:begin(id, request)
      if state.ask(request.message, hear, id) then
        count = count + 1
        reaper.SetExtState(state.SECTION, "latest", id, true)
      else
        state.session.jobs[id].state = "fail"
      end
    end
  end
  return count
end

-- Ends all that was asked for here, else the latest that any panel or action asked for.
function app.stop()
  local jobs = state.session:unended()
  for _, job in ipairs(jobs) do
    state.ask({ "/inspire/cancel", "job", job.id })
  end
  local latest = reaper.GetExtState(state.SECTION, "latest")
  if #jobs > 0 then
    return #jobs
  elseif latest == "" then
    state.tell("Nothing was made yet")
    return 0
  end
  state.ask({ "/inspire/cancel", "job", latest }, function(reply)
    state.tell(reply.what == "fail" and reply.message or "")
  end)
  return 1
end

-- The latest job once more with another seed: to the same place where that is known, else to the edit cursor.
function app.again()
  local session = state.session
  local last = session.latest and session.jobs[session.latest]
  local latest = last and last.id or reaper.GetExtState(state.SECTION, "latest")
  if latest == "" then
    state.tell("Nothing was made yet")
    return 0
  end
  local request = last and last.request or { verb = "again", label = "", target = place.here() }
  local id = state.mailbox:new_id()
  session:begin(id, request)
  reaper.SetExtState(state.SECTION, "latest", id, true)
  return state.ask({ "/inspire/again", latest, "seed", tonumber(files.unique():sub(1, 7), 16) }, hear, id) and 1 or 0
end

local function use(take)
  if place.activate(take.job.placed, take.index) then
    take.job.active = take.index
    return
  end
  local placed, why = place.insert(place.here(), take.job.paths, ("%s %s"):format(take.job.verb, take.job.label))
  if placed then
    take.job.placed = placed
    place.activate(placed, take.index)
    take.job.active = take.index
  else
    state.tell(why)
  end
end

local function keep(take)
  local kept = not take.kept
  state.ask({ "/inspire/keep", take.job.id, "keep", kept and 1 or 0 }, function(reply)
    if reply.what == "ack" then
      for _, other in ipairs(state.session.takes) do
        other.kept = other.job == take.job and kept or other.job ~= take.job and other.kept
      end
    else
      state.tell(reply.message)
    end
  end)
end

local function choose_preset()
  local names = { "No preset" }
  for _, preset in ipairs(state.session.presets) do
    names[#names + 1] = preset
  end
  local function chosen(number)
    if number > 0 then
      state.settings.preset = number > 1 and names[number] or ""
      keep_setting("preset")
    end
  end
  local number = state.canvas.menu(table.concat(names, "|"), chosen)
  if number then
    chosen(number)
  end
end

-- What the panel's parts ask for.
local DOES = {
  generate = app.start, continue = app.start, fill = app.start, arrange = app.start,
  stop = app.stop, again = app.again, start = daemon.start, preset = choose_preset,
}

function DOES.prompt(_, text)
  state.settings.prompt = text
  keep_setting("prompt")
end

function DOES.bars(_, step)
  state.settings.bars = math.max(1, math.min(MOST_BARS, state.settings.bars + step))
  keep_setting("bars")
end

function DOES.takes(_, step)
  state.settings.takes = math.max(1, math.min(protocol.MOST_TAKES, state.settings.takes + step))
  keep_setting("takes")
end

function DOES.play()
  state.settings.play = not state.settings.play
  keep_setting("play")
end

function DOES.seed()
  local fine, typed = reaper.GetUserInputs("Inspire", 1, "Seed (empty: free)", tostring(state.settings.seed or ""))
  local seed = fine and math.tointeger(tonumber(typed))
  if fine and (typed == "" or seed and seed >= 0 and seed <= 2147483647) then
    state.settings.seed = seed or nil
    keep_setting("seed")
  elseif fine then
    state.tell("A seed is a whole number from 0 to 2147483647, or nothing")
  end
end

function DOES.listen(_, take)
  listening.toggle(take)
end

function DOES.use(_, take)
  use(take)
end

function DOES.keep(_, take)
  keep(take)
end

-- A verb that an action asked this panel for.
local function obey_actions()
  local verb = reaper.GetExtState(state.SECTION, "verb")
  if verb ~= "" then
    reaper.SetExtState(state.SECTION, "verb", "", false)
    if DOES[verb] then
      DOES[verb](verb)
    end
  end
end

local function prepare(box)
  state.settings = load_settings()
  state.session = Session.new()
  state.reported = {} -- of REAPER's transport
  state.model = { settings = state.settings, session = state.session, alive = false }
  state.mailbox = Mailbox.new(files, files.mailbox(), box)
  return state
end

-- One turn: the daemon's answers, the actions' wishes, one picture. False when the window was closed.
local function turn()
  local now = reaper.time_precise()
  daemon.look_after(now)
  daemon.tell_transport(now)
  reaper.SetExtState(state.SECTION, "panel", tostring(now), false)
  obey_actions()
  local model = state.model
  if now >= (state.look_at or 0) then
    state.look_at = now + LOOK_S
    state.context = look()
  end
  model.buttons = requests.buttons(state.context, state.settings, state.session.can)
  local asked, wheel, open = state.canvas.frame(function(canvas, width, height)
    return panel.draw(canvas, model, width, height)
  end)
  model.scroll = (model.scroll or 0) + wheel
  if asked then
    DOES[asked[1]](asked[1], asked[2])
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
    if turn() then
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
  if DOES[verb](verb) == 0 then
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
