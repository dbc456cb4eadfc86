-- What the panel's table does with a take: it is listened to, used where its job's result lies or at the edit cursor, kept.
local listening = require("inspire.listening")
local place = require("inspire.place")
local state = require("inspire.state")

local takes = { listen = listening.toggle }

-- Makes it the active one of its item; places it at the edit cursor where that is there no more.
function takes.use(take)
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
    state.show(why)
  end
end

-- Makes its result a favourite, or no longer.
function takes.keep(take)
  local kept = not take.kept
  state.ask({ "/inspire/keep", take.job.id, "keep", kept and 1 or 0 }, function(reply)
    if reply.what == "ack" then
      for _, other in ipairs(state.session.takes) do
        other.kept = other.job == take.job and kept or other.job ~= take.job and other.kept
      end
    else
      state.show(reply.message)
    end
  end)
end

return takes
