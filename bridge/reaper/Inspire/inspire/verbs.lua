-- What the panel and the actions do: generate, continue, fill and arrange what is selected, stop it, make the latest again.
local arrange = require("inspire.arrange")
local daemon = require("inspire.daemon")
local files = require("inspire.files")
local place = require("inspire.place")
local protocol = require("inspire.protocol")
local requests = require("inspire.requests")
local selection = require("inspire.selection")
local state = require("inspire.state")

local verbs = {}

-- Places what a job has made.
local function put_in(job)
  job.target.duration = job.duration_s
  local placed, why = place.insert(job.target, job.paths, ("%s %s"):format(job.verb, job.label))
  if placed then
    job.placed, job.active = placed, 1
  else
    state.show(why)
  end
end

-- What is selected, and what arranging it would make.
function verbs.look()
  local context = selection.read(protocol.SECTIONS)
  local range = context.has_time and { from = context.from, to = context.to } or nil
  local marks = selection.marks(context.project)
  context.plan, context.no_plan = arrange.plan(marks, range, context.items, state.settings.bars, selection.measure(context.project))
  return context
end

local receive

-- A daemon that knows of no host that plays: then it plays at once.
local function ask_without_start(job)
  local message = job.request.message
  for index = 3, #message do
    if message[index] == "start" then
      local again = table.move(message, index + 2, #message + 2, index, { table.unpack(message, 1, index - 1) })
      local id = state.mailbox:new_id()
      job.request.message = again
      state.session:begin(id, job.request)
      state.ask(again, receive, id)
      reaper.SetExtState(state.SECTION, "latest", id, true)
      return
    end
  end
end

function receive(reply)
  local ended = state.session:receive(reply)
  daemon.read_measurements()
  if reply.what == "fail" and reply.code == "no_clock" then
    ask_without_start(state.session.jobs[reply.id])
  end
  if ended then
    put_in(ended)
  end
end

-- An item that does not sound as its file does, with a play rate, say, is written to a wave as it sounds.
local function with_own_wave(request)
  if not request.item or request.item.plain then
    return request
  end
  local folder = reaper.GetProjectPathEx(request.item.project) .. "/Inspire"
  files.make(folder)
  local name = ("%s/heard-%s.wav"):format(folder, files.unique())
  local seconds, why = selection.write_wave(request.item, name)
  if not seconds then
    state.show(why)
    return nil
  end
  return requests.with_wave(request, name, seconds)
end

-- Does a verb with what is selected. Returns how many jobs were asked for.
function verbs.start(verb)
  daemon.report_transport(reaper.time_precise())
  local context = verbs.look()
  local made, why = requests.make(verb, context, state.settings, state.session.can)
  if #made == 0 and why then
    state.show(why)
  end
  local count = 0
  for _, request in ipairs(made) do
    local target = request.target
    target.quarters = reaper.TimeMap2_timeToQN(target.project, target.position)
    request = with_own_wave(request)
    if request then
      local id = state.mailbox:new_id()
      state.session:begin(id, request)
      if state.ask(request.message, receive, id) then
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
function verbs.stop()
  local jobs = state.session:unended()
  for _, job in ipairs(jobs) do
    state.ask({ "/inspire/cancel", "job", job.id })
  end
  local latest = reaper.GetExtState(state.SECTION, "latest")
  if #jobs > 0 then
    return #jobs
  elseif latest == "" then
    state.show("Nothing was made yet")
    return 0
  end
  state.ask({ "/inspire/cancel", "job", latest }, function(reply)
    state.show(reply.what == "fail" and reply.message or "")
  end)
  return 1
end

-- The latest job once more with another seed: to the same place where that is known, else to the edit cursor.
function verbs.again()
  local session = state.session
  local last = session.latest and session.jobs[session.latest]
  local latest = last and last.id or reaper.GetExtState(state.SECTION, "latest")
  if latest == "" then
    state.show("Nothing was made yet")
    return 0
  end
  local request = last and last.request or { verb = "again", label = "", target = place.here() }
  local id = state.mailbox:new_id()
  session:begin(id, request)
  reaper.SetExtState(state.SECTION, "latest", id, true)
  return state.ask({ "/inspire/again", latest, "seed", tonumber(files.unique():sub(1, 7), 16) }, receive, id) and 1 or 0
end

return verbs
