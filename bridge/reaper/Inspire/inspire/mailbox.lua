-- A client of the daemon's mailbox (bridge/mailbox/README.md). `files` is what touches the disk, so that tests may watch.
local json = require("inspire.json")
local protocol = require("inspire.protocol")

local Mailbox = {}
Mailbox.__index = Mailbox

local RESEND_S = 5.0 -- without a word about a request: it is put there again, which starts nothing twice
local GONE_S = 20.0 -- a heartbeat that stands still for so long is no more; see the README
local SILENT_S = 4.0 -- as for a daemon that does not answer: one that lives answers within a second
local LOOK_S = 0.1 -- between two looks
local LAST = { done = true, fail = true, cancelled = true }
local STARTS = { generate = true, continue = true, fill = true, arrange = true, sketch = true, again = true, layer = true }

-- `folder` is the mailbox, `box` the name of this client's box in it.
function Mailbox.new(files, folder, box)
  local self = setmetatable({}, Mailbox)
  self.files = files
  self.folder = folder
  self.box = folder .. "/" .. box
  self.open = {} -- requests by id: what was asked, how much of the answer was read
  self.alive = false
  self.changed = nil -- when the heartbeat was last seen to change
  self.count = 0
  files.make(self.box .. "/requests")
  files.make(self.box .. "/replies")
  self.prefix = box:gsub("[^%w_-]", "-") .. "-" .. files.unique()
  return self
end

function Mailbox:new_id()
  self.count = self.count + 1
  return self.prefix .. "-" .. self.count
end

-- Asks: `message` is the command's address and values without the id. `on_reply` is called with every reply. `once`: it is true only now,
-- and not put there again. Returns the id, or nil and why the request could not be written.
function Mailbox:ask(message, on_reply, now, id, once)
  id = id or self:new_id()
  local request = { message = message, on_reply = on_reply, read = 0, put = now, tries = 1, once = once }
  local fine, why = self:put(id, message)
  if not fine then
    return nil, why
  end
  self.open[id] = request
  return id
end

function Mailbox:put(id, message)
  local name = self.box .. "/requests/" .. id .. ".json"
  local fine, why = self.files.write(name .. ".part", json.encode(message))
  if not fine then
    return nil, why
  end
  return self.files.rename(name .. ".part", name)
end

-- Reads what has come since the last look. To be called often; it looks ten times a second.
function Mailbox:poll(now)
  if self.looked and now - self.looked < LOOK_S and now >= self.looked then
    return
  end
  self.looked = now
  self:feel_pulse(now)
  local open = {} -- what is asked meanwhile is looked at next time
  for id, request in pairs(self.open) do
    open[id] = request
  end
  for id, request in pairs(open) do
    if request.once and now - request.put > SILENT_S then
      self.open[id] = nil
      self.files.remove(self.box .. "/requests/" .. id .. ".json")
    elseif not self:read(id, request, now) and request.read == 0 and now - request.put > SILENT_S
      and now - (self.changed or 0) > SILENT_S then
      self.alive = false
    elseif self.open[id] and self.alive and now - request.put > RESEND_S then
      request.put, request.tries = now, request.tries + 1
      self:put(id, request.message)
    end
  end
end

function Mailbox:feel_pulse(now)
  local text = self.files.read(self.folder .. "/daemon.json", 0)
  local status = text and json.decode(text)
  local beat = type(status) == "table" and status.beat and status.pid and status.pid .. "/" .. status.beat or nil
  if beat ~= self.beat then
    self.alive = beat ~= nil and (self.beat ~= nil or self.seen_none or false)
    self.beat, self.changed, self.daemon = beat, now, status
  elseif beat == nil then
    self.alive, self.seen_none = false, true
  elseif now - (self.changed or now) > GONE_S then
    self.alive = false
  end
end

-- The lines of an answer that are whole. True when there was one.
function Mailbox:read(id, request, now)
  local name = self.box .. "/replies/" .. id .. ".jsonl"
  local text = self.files.read(name, request.read)
  if not text then
    return false
  end
  local came = false
  for line in text:gmatch("([^\n]*)\n") do
    request.read = request.read + #line + 1
    local values = json.decode(line)
    local reply = values and protocol.read_reply(values)
    if reply then
      came = true
      self.alive, self.changed = true, now
      request.put = now
      local ended = Mailbox.is_last(request, reply)
      if ended then
        self.open[id] = nil
        self.files.remove(name)
      end
      request.on_reply(reply, id)
      if ended then
        break
      end
    end
  end
  return came
end

-- Whether nothing follows `reply`.
function Mailbox.is_last(request, reply)
  if LAST[reply.what] then
    return true
  end
  local asked = request.message[1]:gsub("^/inspire/", "")
  if STARTS[asked] then
    return false
  elseif reply.what == "found" then
    request.left = reply.shown
    return reply.shown == 0
  elseif request.left then
    request.left = request.left - 1
    return request.left == 0
  elseif reply.count then
    return reply.index + 1 >= reply.count
  end
  return true
end

-- Whether anything is asked whose end is still to come.
function Mailbox:waits()
  for _, request in pairs(self.open) do
    if not request.once then
      return true
    end
  end
  return false
end

-- Away with this client's folder: it is closing.
function Mailbox:close()
  for id in pairs(self.open) do
    self.files.remove(self.box .. "/replies/" .. id .. ".jsonl")
  end
end

return Mailbox
