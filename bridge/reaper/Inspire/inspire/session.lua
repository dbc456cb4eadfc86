-- What was asked for and what came of it: jobs, takes, and what the daemon can. Pure: replies in, tables out.
local Session = {}
Session.__index = Session

local MOST_RESULTS = 200

function Session.new()
  return setmetatable({ jobs = {}, takes = {}, can = {}, presets = {}, message = "", queued = 0 }, Session)
end

-- A job that was just asked for.
function Session:begin(id, request)
  self.jobs[id] = {
    id = id, verb = request.verb, label = request.label, target = request.target, bpm = request.bpm, quarters = request.quarters,
    state = "asked", done_s = 0, total_s = 0, request = request,
  }
  self.latest = id
  self.message = ""
  return self.jobs[id]
end

local function paths_of(reply)
  local paths = { reply.path }
  local folder = reply.path:match("^(.*[/\\])") or ""
  for name in (reply.others or ""):gmatch("[^/]+") do
    paths[#paths + 1] = folder .. name
  end
  return paths
end

-- A reply to a job. Returns the job when it has ended with audio that can be placed.
function Session:receive(reply)
  local job = self.jobs[reply.id]
  if not job then
    return nil
  end
  if reply.what == "queued" then
    job.state, job.ahead, job.paused = "queued", reply.position, reply.paused == 1
  elseif reply.what == "progress" then
    job.state, job.done_s, job.total_s = "running", reply.done_s, reply.total_s
  elseif reply.what == "chunk" then
    job.state = "running"
    job.made_s = reply.start_s + reply.duration_s
  elseif reply.what == "done" or reply.what == "cancelled" or reply.what == "fail" then
    job.state = reply.what
    if reply.what == "fail" then
      self.message = reply.message
      self:learn(job, reply)
    elseif reply.what == "cancelled" and (reply.path or "") == "" then
      self.message = "Stopped before there was anything to keep"
    end
    if (reply.path or "") ~= "" then
      self:add_takes(job, reply)
      return job
    end
  end
  return nil
end

-- A daemon that does not know a command is not asked again.
function Session:learn(job, reply)
  if reply.code == "unknown_address" then
    self.can[job.verb] = false
  end
end

function Session:add_takes(job, reply)
  job.paths, job.duration_s = paths_of(reply), reply.duration_s
  for index, path in ipairs(job.paths) do
    table.insert(self.takes, 1, {
      job = job, index = index, path = path, duration_s = reply.duration_s,
      bars = job.bpm and math.floor(reply.duration_s * job.bpm / 60 / job.quarters * 10 + 0.5) / 10,
      bpm = index == 1 and (reply.bpm_measured or reply.bpm) or nil, asked_bpm = job.bpm, key = index == 1 and reply.key or nil,
      downbeat_ms = index == 1 and reply.downbeat_ms or nil, join_db = index == 1 and reply.join_click_db or nil, kept = false,
    })
  end
  while #self.takes > MOST_RESULTS do
    table.remove(self.takes)
  end
end

-- What stands in the JSON file beside a take, about that take alone: replies tell of the first of several.
function Session.measured(take, sidecar)
  local facts, request = sidecar.engine or {}, sidecar.request or {}
  take.bpm = facts.bpm_measured or facts.bpm or take.bpm
  take.asked_bpm = take.asked_bpm or request.bpm
  take.key = facts.key or take.key
  take.downbeat_ms = facts.downbeat_ms or take.downbeat_ms
  take.join_db = facts.join_click_db or take.join_db
  take.bars = take.bars or request.bars
end

-- An entry of the history: a result of an earlier panel, or of another program. The newest comes first.
function Session:remember(entry)
  if entry.what ~= "entry" or self.jobs[entry.job] or (entry.path or "") == "" then
    return
  end
  local label = entry.prompt or entry.clip or ""
  local job = { id = entry.job, verb = "", label = label, state = entry.state, target = {}, paths = paths_of(entry) }
  self.jobs[job.id] = job
  for index, path in ipairs(job.paths) do
    self.takes[#self.takes + 1] = {
      job = job, index = index, path = path, duration_s = entry.duration_s, kept = entry.kept == 1,
    }
  end
end

-- The jobs that have not ended, in the order of their ids.
function Session:unended()
  local found = {}
  for _, job in pairs(self.jobs) do
    if job.state == "asked" or job.state == "queued" or job.state == "running" then
      found[#found + 1] = job
    end
  end
  table.sort(found, function(one, other)
    return #one.id == #other.id and one.id < other.id or #one.id < #other.id
  end)
  return found
end

-- One line on what is going on, and how far it is from 0 to 1 (nil where nothing runs).
function Session:progress()
  local jobs = self:unended()
  local job = jobs[1]
  if not job then
    return "", nil
  end
  local more = #jobs > 1 and ("  + %d more"):format(#jobs - 1) or ""
  if job.state == "running" and job.total_s > 0 then
    return ("%s: %.1f of %.1f s%s"):format(job.label, job.done_s, job.total_s, more), job.done_s / job.total_s
  elseif job.state == "queued" then
    local why = job.paused and "the queue is paused" or ("%d ahead"):format(job.ahead)
    return ("%s: waits, %s%s"):format(job.label, why, more), 0
  end
  return ("%s: asked%s"):format(job.label, more), 0
end

-- How far a take's tempo is from what was asked, in percent, and as 0 (exact) to 1 (2 % or more); nil where it was not measured.
function Session.tempo_error(take)
  if not take.bpm or not take.asked_bpm or take.bpm <= 0 then
    return nil
  end
  local percent = (take.bpm / take.asked_bpm - 1) * 100
  return percent, math.min(1, math.abs(percent) / 2)
end

return Session
