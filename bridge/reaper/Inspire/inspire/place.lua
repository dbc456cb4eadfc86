-- Results into the project: an item with a take for each variation, at its exact position, in one undo step.
local files = require("inspire.files")

local place = {}

local SLACK_S = 0.001 -- items that only touch do not overlap

local function is_there(project, pointer, kind)
  return pointer ~= nil and reaper.ValidatePtr2(project, pointer, kind)
end

-- The file of a project that is open still, empty where it was never saved; nil where it is closed.
local function file_of(project)
  for index = 0, 999 do
    local open, file = reaper.EnumProjects(index)
    if not open then
      return nil
    elseif open == project then
      return file or ""
    end
  end
  return nil
end

local function is_free(track, from, to)
  for index = 0, reaper.CountTrackMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, index)
    local start = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
    local finish = start + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
    if start < to - SLACK_S and finish > from + SLACK_S then
      return false
    end
  end
  return true
end

-- A new track below `track`, or the last.
local function add_track(project, track)
  local index = reaper.CountTracks(project)
  if track then
    index = math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER"))
  end
  if reaper.InsertTrackInProject then -- since REAPER 7
    reaper.InsertTrackInProject(project, index, 1)
  else -- into the tab in front: the project's own, for a moment
    local front = reaper.EnumProjects(-1)
    reaper.SelectProjectInstance(project)
    reaper.InsertTrackAtIndex(index, true)
    reaper.SelectProjectInstance(front)
  end
  local added = reaper.GetTrack(project, index)
  reaper.GetSetMediaTrackInfo_String(added, "P_NAME", "Inspire", true)
  return added
end

-- Where it goes now: the source may have been moved, or the tempo changed, since it was asked for.
local function position_now(target)
  local moved = 0
  if is_there(target.project, target.source, "MediaItem*") then
    moved = reaper.GetMediaItemInfo_Value(target.source, "D_POSITION") - target.source_position
  elseif target.quarters then
    local now = reaper.TimeMap2_QNToTime(target.project, target.quarters)
    if math.abs(now - target.position) > 1e-4 then
      return now
    end
  end
  return target.position + moved
end

local function source_of(project, file)
  if file_of(project) ~= "" then -- a saved project keeps its media beside it
    file = files.copy_into(reaper.GetProjectPathEx(project), file) or file
  end
  local source = reaper.PCM_Source_CreateFromFile(file)
  if not source then
    error("REAPER cannot read " .. file, 0)
  end
  return source
end

local function build_peaks(source)
  if reaper.PCM_Source_BuildPeaks(source, 0) ~= 0 then
    while reaper.PCM_Source_BuildPeaks(source, 1) > 0 do end -- what is left, in percent
  end
  reaper.PCM_Source_BuildPeaks(source, 2)
end

local function add_takes(item, project, paths, name)
  local takes, longest = {}, 0
  for index, path in ipairs(paths) do
    local source = source_of(project, path)
    local take = reaper.AddTakeToMediaItem(item)
    reaper.SetMediaItemTake_Source(take, source)
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", 0)
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", #paths > 1 and name .. " – take " .. index or name, true)
    longest = math.max(longest, (reaper.GetMediaSourceLength(source)))
    build_peaks(source)
    takes[index] = take
  end
  return takes, longest
end

-- Does `work` as one undo step with the screen held still. Returns what it returns, or nil and what went wrong; either way undo and
-- screen are as they were.
function place.in_one_step(project, text, work)
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local fine, first, second = pcall(work)
  reaper.PreventUIRefresh(-1)
  reaper.UpdateArrange()
  reaper.Undo_EndBlock2(project, text, -1)
  if not fine then
    return nil, first
  end
  return first, second
end

-- Puts the files of a result in as the takes of one new item, on the target's track where nothing is in its way, else on a new
-- one below. Returns {project, item, takes, track, position}, or nil and why not.
function place.insert(target, paths, name)
  if not file_of(target.project) then
    return nil, "The project it was made for is closed: double-click the result to place it in this one"
  end
  return place.in_one_step(target.project, "Inspire: " .. name, function()
    local position = position_now(target)
    local track = is_there(target.project, target.track, "MediaTrack*") and target.track or nil
    local longest = target.length or target.duration or 0
    if not track or not is_free(track, position, position + longest) then
      track = add_track(target.project, track)
    end
    local item = reaper.AddMediaItemToTrack(track)
    local fine, takes, length = pcall(add_takes, item, target.project, paths, name)
    if not fine then
      reaper.DeleteTrackMediaItem(track, item)
      error(takes, 0)
    end
    reaper.SetMediaItemInfo_Value(item, "D_POSITION", position)
    reaper.SetMediaItemInfo_Value(item, "D_LENGTH", length)
    reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
    reaper.SetMediaItemInfo_Value(item, "D_FADEINLEN", 0) -- a continuation meets its clip without a fade
    reaper.SetActiveTake(takes[1])
    return { project = target.project, item = item, takes = takes, track = track, position = position }
  end)
end

-- Makes a take of a placed result the active one. False where it is there no more.
function place.activate(placed, index)
  local take = placed and placed.takes[index]
  if not take or not file_of(placed.project) or not is_there(placed.project, take, "MediaItem_Take*") then
    return false
  end
  place.in_one_step(placed.project, "Inspire: choose take " .. index, function()
    reaper.SetActiveTake(take)
    reaper.UpdateItemInProject(placed.item)
  end)
  return true
end

-- Where now is: for a result that is placed by hand.
function place.here()
  local project = reaper.EnumProjects(-1)
  return { project = project, track = reaper.GetSelectedTrack(project, 0), position = reaper.GetCursorPositionEx(project) }
end

return place
