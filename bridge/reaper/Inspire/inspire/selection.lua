-- What is selected in REAPER, as a plain table that the pure part understands. Reads only.
local selection = {}

local CONTEXT_S = 30.0 -- the model hears no more than this of a clip
local RATE = 48000
local BLOCK = 48000 -- frames that are read at a time

-- Quarter notes a minute, beats in a bar, and the note that a beat is.
local function tempo_at(project, time)
  local count, unit, bpm = reaper.TimeMap_GetTimeSigAtTime(project, time)
  if unit == 1 then
    return bpm, count * 4, 4 -- the daemon counts no whole notes
  end
  return bpm, count, unit
end

-- "9.1" for the first beat of bar 9.
function selection.bar(project, time)
  local beats, measures = reaper.TimeMap2_timeToBeats(project, time)
  return ("%d.%d"):format(measures + 1, math.floor(beats + 1e-6) + 1)
end

-- Bars between two times where the tempo stays, nil where it does not or they are not whole.
function selection.whole_bars(project, from, to)
  local bpm, beats, unit = tempo_at(project, from)
  for step = 1, 8 do
    local at = from + (to - from) * step / 8 - 1e-6
    local bpm_there, beats_there, unit_there = tempo_at(project, at)
    if math.abs(bpm_there - bpm) > 1e-6 or beats_there ~= beats or unit_there ~= unit then
      return nil
    end
  end
  local bars = (to - from) * bpm / 60 / (beats * 4 / unit)
  local whole = math.floor(bars + 0.5)
  return whole >= 1 and math.abs(bars - whole) < 0.001 and whole or nil
end

local function file_of(take)
  local source = reaper.GetMediaItemTake_Source(take)
  local is_section = false
  while source do
    local parent = reaper.GetMediaSourceParent(source)
    if not parent then
      break
    end
    source, is_section = parent, true
  end
  return source and reaper.GetMediaSourceFileName(source) or "", is_section, source
end

-- The audio of an item: its file and where in it the visible part lies, and whether the item sounds as the file does.
local function audio_item(project, item)
  local take = reaper.GetActiveTake(item)
  if not take or reaper.TakeIsMIDI(take) then
    return nil
  end
  local file, is_section, source = file_of(take)
  local position = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local length = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  local offset = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  local pitch = reaper.GetMediaItemTakeInfo_Value(take, "D_PITCH")
  local loops = source ~= nil and offset + length * rate > reaper.GetMediaSourceLength(source) + 0.001
  local plain = not is_section and rate == 1 and pitch == 0 and not loops and offset >= 0
    and reaper.GetTakeNumStretchMarkers(take) == 0 and file ~= ""
  return {
    project = project, item = item, take = take, track = reaper.GetMediaItem_Track(item),
    file = file, position = position, length = length, offset = offset, rate = rate, plain = plain,
  }
end

-- The section that a time lies in, by the names of regions: "Chorus 2" is a chorus.
function selection.section_at(project, time, sections)
  local _, markers, regions = reaper.CountProjectMarkers(project)
  for index = 0, markers + regions - 1 do
    local _, is_region, from, to, name = reaper.EnumProjectMarkers3(project, index)
    if is_region and from - 1e-6 <= time and time < to then
      local said, best = name:lower():gsub("%s", ""), nil
      for _, section in ipairs(sections) do
        if said:find(section, 1, true) and (not best or #section > #best) then
          best = section -- "Verse 2" is verse2 rather than verse
        end
      end
      if best then
        return best
      end
    end
  end
  return nil
end

-- Regions and markers, in REAPER's order: {name, from, to}; a marker has no `to`.
function selection.marks(project)
  local _, markers, regions = reaper.CountProjectMarkers(project)
  local found = {}
  for index = 0, markers + regions - 1 do
    local _, is_region, from, to, name = reaper.EnumProjectMarkers3(project, index)
    found[#found + 1] = { name = name, from = from, to = is_region and to or nil }
  end
  return found
end

-- What `arrange.plan` wants to know of a time range: whole bars in one tempo, or nil; the tempo there, and "9.1".
function selection.measure(project)
  return {
    bars = function(from, to) return selection.whole_bars(project, from, to) end,
    tempo = function(time) return tempo_at(project, time) end,
    label = function(time) return selection.bar(project, time) end,
  }
end

-- Project, time selection, edit cursor and selected audio items.
function selection.read(sections)
  local project, file = reaper.EnumProjects(-1)
  local from, to = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
  local found = { project = project, is_saved = (file or "") ~= "", items = {}, midi = 0 }
  for index = 0, reaper.CountSelectedMediaItems(project) - 1 do
    local item = reaper.GetSelectedMediaItem(project, index)
    local audio = audio_item(project, item)
    if audio then
      found.items[#found.items + 1] = audio
    else
      found.midi = found.midi + 1
    end
  end
  local at = to > from and from or reaper.GetCursorPositionEx(project)
  found.at, found.from, found.to = at, from, to
  found.has_time = to > from
  found.bpm, found.beats, found.unit = tempo_at(project, at)
  found.bars = found.has_time and selection.whole_bars(project, from, to) or nil
  found.label = found.has_time and selection.bar(project, from) .. "–" .. selection.bar(project, to)
    or selection.bar(project, at)
  found.track = reaper.GetSelectedTrack(project, 0)
  found.section = selection.section_at(project, at, sections)
  for _, item in ipairs(found.items) do
    local finish = item.position + item.length
    item.bpm, item.beats, item.unit = tempo_at(project, finish)
    item.label = selection.bar(project, finish)
    item.section = selection.section_at(project, finish, sections)
  end
  return found
end

local function wave_header(frames, channels)
  local size = frames * channels * 4
  return "RIFF" .. string.pack("<I4", 4 + 8 + 18 + 8 + size) .. "WAVE"
    .. "fmt " .. string.pack("<I4I2I2I4I4I2I2I2", 18, 3, channels, RATE, RATE * channels * 4, channels * 4, 32, 0)
    .. "data" .. string.pack("<I4", size)
end

-- The last seconds of an item as it sounds, with its rate, pitch, reverse and sections, as a wave of 32-bit floats: a file that
-- was not there before. For what the file alone does not tell. Returns the seconds it holds, or nil and why.
function selection.write_wave(item, name)
  local from = math.max(0, item.length - CONTEXT_S)
  local frames = math.floor((item.length - from) * RATE + 0.5)
  local accessor = reaper.CreateTakeAudioAccessor(item.take)
  if not accessor then
    return nil, "REAPER cannot read this item"
  end
  local file, why = io.open(name, "wb")
  if not file then
    reaper.DestroyAudioAccessor(accessor)
    return nil, why
  end
  local fine, problem = pcall(function()
    file:write(wave_header(frames, 2))
    local buffer = reaper.new_array(BLOCK * 2)
    for start = 0, frames - 1, BLOCK do
      local count = math.min(BLOCK, frames - start)
      buffer.clear()
      if reaper.GetAudioAccessorSamples(accessor, RATE, 2, from + start / RATE, count, buffer) < 0 then
        error("REAPER cannot read this item", 0)
      end
      local samples = buffer.table(1, count * 2)
      for first = 1, count * 2, 100 do
        local last = math.min(first + 99, count * 2)
        file:write(string.pack("<" .. ("f"):rep(last - first + 1), table.unpack(samples, first, last)))
      end
    end
  end)
  file:close()
  reaper.DestroyAudioAccessor(accessor)
  if not fine then
    return nil, problem
  end
  return frames / RATE
end

return selection
