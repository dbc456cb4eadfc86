-- Where REAPER's playback is, so that what is asked for with `start bar` plays from its next bar on.
local transport = {}

local EVERY_S = 1.0 -- while it plays; the daemon forgets a host after three
local JUMP_S = 0.03 -- further from where it should have come to: it was moved

-- As /inspire/transport has it, or nil where the daemon does not take the tempo or the metre. Quarter notes from the project's beginning,
-- as many as its bars have: where the metre changes on the way, the bar lines are still those of this bar's metre.
function transport.read(project)
  local state = reaper.GetPlayStateEx(project)
  local plays = state & 1 == 1 and state & 2 == 0
  local at = plays and reaper.GetPlayPositionEx(project) or reaper.GetCursorPositionEx(project)
  local count, unit, bpm = reaper.TimeMap_GetTimeSigAtTime(project, at)
  local quarters = count * 4 / unit
  if bpm < 10 or bpm > 1000 or count > 16 or quarters > 16 or not (unit == 2 or unit == 4 or unit == 8 or unit == 16) then
    return nil
  end
  local beats, measures = reaper.TimeMap2_timeToBeats(project, at)
  local position = measures * quarters + beats * 4 / unit
  local message = { "/inspire/transport", bpm, position, plays and 1 or 0, "beats_per_bar", count, "beat_unit", unit }
  local from, to = reaper.GetSet_LoopTimeRange2(project, false, true, 0, 0, false)
  if to > from and reaper.GetSetRepeatEx(project, -1) == 1 then
    local here = reaper.TimeMap2_timeToQN(project, at)
    for name, time in pairs({ loop_start_beats = from, loop_end_beats = to }) do
      message[#message + 1] = name
      message[#message + 1] = position + reaper.TimeMap2_timeToQN(project, time) - here
    end
  end
  return message, at
end

-- Says when it is to be reported again: once a second while it plays, and when it begins, stops, is moved or gets another tempo or loop.
-- `reported` is kept from call to call. Returns the message, or nil.
function transport.due(reported, project, now)
  local message, at = transport.read(project)
  if not message then
    reported.plays = false
    return nil
  end
  local plays = message[4] == 1
  local rest = table.concat({ message[2], message[4], message[6], message[8], #message }, " ")
  local moved = reported.at and math.abs(at - reported.at - (reported.plays and now - reported.now or 0)) > JUMP_S
  if rest == reported.rest and project == reported.project and not (plays and (moved or now - reported.now >= EVERY_S)) then
    return nil
  end
  reported.rest, reported.project, reported.at, reported.now, reported.plays = rest, project, at, now, plays
  return message
end

return transport
