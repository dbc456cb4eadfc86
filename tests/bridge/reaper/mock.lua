-- REAPER for tests: a small project in memory behind the real API's names. As strict as the real one: an unknown name, a wrong number
-- of arguments, 1.5 or a text where an integer belongs, or a pointer of another kind is an error. `reascript.json` says what there is.
local json = require("inspire.json")

local mock = {}

local function read(name)
  local file = assert(io.open(name, "rb"))
  local content = file:read("a")
  file:close()
  return assert(json.decode(content))
end

local POINTERS = {
  MediaItem = true, MediaItem_Take = true, MediaTrack = true, PCM_source = true, ReaProject = true, AudioAccessor = true,
  CF_Preview = true,
}

local function is_a(value, kind)
  if kind == "any" then
    return true
  elseif kind == "ReaProject|nil|0" then
    return value == nil or value == 0 or type(value) == "table" and value.kind == "ReaProject"
  elseif kind == "integer" then
    return math.type(value) ~= nil and math.tointeger(value) ~= nil
  elseif kind == "number" then
    return math.type(value) ~= nil and value == value and math.abs(value) ~= math.huge
  elseif kind == "userdata" then
    return type(value) == "table" and value.kind ~= nil
  elseif kind == "reaper.array" then
    return type(value) == "table" and value.kind == "array"
  elseif POINTERS[kind] then
    return type(value) == "table" and value.kind == kind and not value.deleted
  end
  return type(value) == kind
end

local function check(name, known, ...)
  local count = select("#", ...)
  if count < known.min or count > known.max then
    error(("%s takes %d to %d arguments, not %d"):format(name, known.min, known.max, count), 3)
  end
  for index = 1, count do
    local argument = known.args[index]
    local value = select(index, ...)
    local kind = argument[2]:gsub("%?$", "")
    if not is_a(value, kind) and not (value == nil and (argument[3] or argument[2]:find("?", 1, true))) then
      error(("%s: %s must be %s, not %s"):format(name, argument[1], kind, tostring(value)), 3)
    end
  end
end

local function strict(prefix, functions, values, extra)
  local wrapped = setmetatable({}, {
    __index = function(self, name)
      local known = functions[prefix .. "." .. name]
      if extra and extra[name] ~= nil then
        return extra[name]
      end
      if not known then
        error(("REAPER has no %s.%s"):format(prefix, name), 2)
      elseif mock.missing[name] then
        return nil -- of an extension that is not installed
      end
      local work = values[name] or error(("the mock has no %s.%s"):format(prefix, name), 2)
      local function call(...)
        check(prefix .. "." .. name, known, ...)
        mock.calls[#mock.calls + 1] = name
        return work(...)
      end
      rawset(self, name, call)
      return call
    end,
  })
  return wrapped
end

local function new(kind, values)
  values.kind = kind
  return values
end

-- A saved project in `folder`, or one that was never saved.
function mock.project(folder, file)
  return new("ReaProject", {
    folder = folder, file = file or "", tracks = {}, regions = {}, tempo = { { at = 0, bpm = 120, beats = 4, unit = 4 } },
    time = { 0, 0 }, cursor = 0, play_state = 0, repeats = false, undo = {}, undo_depth = 0,
  })
end

function mock.track(project)
  local track = new("MediaTrack", { items = {}, name = "", project = project })
  project.tracks[#project.tracks + 1] = track
  return track
end

function mock.source(file, length, parent)
  return new("PCM_source", { file = file, length = length, parent = parent })
end

function mock.item(track, source, position, length, values)
  local item = new("MediaItem", { track = track, takes = {}, values = { D_POSITION = position, D_LENGTH = length } })
  local take = new("MediaItem_Take", { item = item, source = source, name = "", values = { D_STARTOFFS = 0, D_PLAYRATE = 1, D_PITCH = 0 } })
  for name, value in pairs(values or {}) do
    take.values[name] = value
  end
  item.takes[1], item.active, item.selected = take, take, false
  track.items[#track.items + 1] = item
  return item
end

local function seconds_of(project, quarters)
  local at, time = 0, 0
  for index, tempo in ipairs(project.tempo) do
    local following = project.tempo[index + 1]
    local span = following and (following.at - tempo.at) * tempo.bpm / 60 or math.huge
    if quarters <= at + span then
      return tempo.at + (quarters - at) * 60 / tempo.bpm
    end
    at, time = at + span, following.at
  end
  return time
end

local function quarters_of(project, time)
  local quarters = 0
  for index, tempo in ipairs(project.tempo) do
    local following = project.tempo[index + 1]
    if not following or time < following.at then
      return quarters + (time - tempo.at) * tempo.bpm / 60
    end
    quarters = quarters + (following.at - tempo.at) * tempo.bpm / 60
  end
end

local function tempo_at(project, time)
  local found = project.tempo[1]
  for _, tempo in ipairs(project.tempo) do
    if tempo.at <= time + 1e-9 then
      found = tempo
    end
  end
  return found
end

local function wave_seconds(name)
  local file = io.open(name, "rb")
  if not file then
    return nil
  end
  local content = file:read("a")
  file:close()
  if content:sub(1, 4) ~= "RIFF" then
    return nil
  end
  local at, rate, frame = 13, nil, nil
  while at < #content do
    local kind, size = content:sub(at, at + 3), string.unpack("<I4", content, at + 4)
    if kind == "fmt " then
      rate, frame = string.unpack("<I4", content, at + 12), string.unpack("<I2", content, at + 20)
    elseif kind == "data" then
      return math.min(size, #content - at - 7) / frame / rate
    end
    at = at + 8 + size + size % 2
  end
end

-- Makes `reaper` and `gfx` global. `folder` holds the JSON tables.
function mock.install(folder, script)
  local functions = read(folder .. "/reascript.json").functions
  mock.calls, mock.deferred, mock.at_exit, mock.boxes, mock.missing, mock.ext = {}, {}, {}, {}, { ImGui_GetBuiltinPath = true }, {}
  mock.now, mock.refresh, mock.projects, mock.previews, mock.executed = 100.0, 0, {}, 0, {}
  mock.system = "Other"
  mock.folder = folder
  local r = {}

  function r.ImGui_GetBuiltinPath() return folder .. "/imgui" end
  function r.get_action_context() return true, script, 0, 1, -1, -1, -1.0, "" end
  function r.time_precise() return mock.now end
  local random = assert(io.open("/dev/urandom", "rb"))
  function r.genGuid()
    local hex = random:read(16):gsub(".", function(byte) return ("%02X"):format(byte:byte()) end)
    return "{" .. hex:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)", "%1-%2-%3-%4-") .. "}"
  end
  function r.GetOS() return mock.system end
  function r.GetExtState(section, key) return mock.ext[section .. "/" .. key] or "" end
  function r.HasExtState(section, key) return mock.ext[section .. "/" .. key] ~= nil end
  function r.SetExtState(section, key, value) mock.ext[section .. "/" .. key] = value end
  function r.RecursiveCreateDirectory(path) return os.execute('mkdir -p "' .. path .. '"') and 1 or 0 end
  function r.file_exists(path)
    local file = io.open(path, "rb")
    return file ~= nil and file:close() and true
  end
  function r.defer(work) mock.deferred[#mock.deferred + 1] = work return true end
  function r.atexit(work) mock.at_exit[#mock.at_exit + 1] = work return true end
  function r.set_action_options(flag) mock.options = flag end
  function r.ShowMessageBox(text) mock.boxes[#mock.boxes + 1] = text return 1 end
  function r.GetUserInputs(_, count, captions, text)
    local fields, split = 0, ","
    for caption in captions:gmatch("[^,]+") do
      split = caption:match("^separator=(.)$") or split
      fields = fields + (caption:find("^extrawidth=") and 0 or caption:find("^separator=") and 0 or 1)
    end
    assert(fields == count, "a caption with a comma in it is two")
    assert(mock.typed == nil or not mock.typed:find(split, 1, true), "what is typed would be cut")
    return mock.typed ~= nil, mock.typed or text
  end
  function r.ExecProcess(command) mock.executed[#mock.executed + 1] = command return "" end

  function r.EnumProjects(index)
    local project = index == -1 and mock.current or mock.projects[index + 1]
    return project, project and project.file or ""
  end
  function r.GetProjectPathEx(project) return project.folder end
  function r.GetSet_LoopTimeRange2(project, is_set)
    assert(not is_set, "the script moved the time selection")
    return project.time[1], project.time[2]
  end
  function r.GetCursorPositionEx(project) return project.cursor end
  function r.TimeMap_GetTimeSigAtTime(project, time)
    local tempo = tempo_at(project, time)
    return tempo.beats, tempo.unit, tempo.bpm
  end
  function r.GetPlayStateEx(project) return project.play_state end
  function r.GetPlayPositionEx(project) return project.played_from + mock.now - project.played_at end
  function r.GetSetRepeatEx(project, value)
    assert(value == -1, "the script changed the repeat switch")
    return project.repeats and 1 or 0
  end
  r.TimeMap2_timeToQN = quarters_of
  r.TimeMap2_QNToTime = seconds_of
  function r.TimeMap2_timeToBeats(project, time) -- one signature
    local tempo = project.tempo[1]
    local beats = quarters_of(project, time) * tempo.unit / 4
    return beats % tempo.beats, math.floor(beats / tempo.beats), tempo.beats, beats, tempo.unit
  end
  function r.CountProjectMarkers(project) -- a region is {from, to, name}, a marker {from, nil, name}
    local regions = 0
    for _, one in ipairs(project.regions) do
      regions = regions + (one[2] and 1 or 0)
    end
    return #project.regions, #project.regions - regions, regions
  end
  function r.EnumProjectMarkers3(project, index)
    local one = project.regions[index + 1]
    return index + 1, one[2] ~= nil, one[1], one[2] or 0.0, one[3], index + 1, 0
  end

  local function selected(project)
    local found = {}
    for _, track in ipairs(project.tracks) do
      for _, item in ipairs(track.items) do
        found[#found + 1] = item.selected and item or nil
      end
    end
    return found
  end
  function r.CountSelectedMediaItems(project) return #selected(project) end
  function r.GetSelectedMediaItem(project, index) return selected(project)[index + 1] end
  function r.GetActiveTake(item) return item.active end
  function r.TakeIsMIDI(take) return take.source.is_midi or false end
  function r.GetMediaItemTake_Source(take) return take.source end
  function r.GetMediaSourceParent(source) return source.parent end
  function r.GetMediaSourceFileName(source) return source.file or "" end
  function r.GetMediaSourceLength(source) return source.length, false end
  function r.GetMediaItem_Track(item) return item.track end
  function r.GetMediaItemInfo_Value(item, name) return item.values[name] or error("no " .. name) end
  function r.GetMediaItemTakeInfo_Value(take, name) return take.values[name] or error("no " .. name) end
  function r.GetTakeNumStretchMarkers(take) return take.stretch or 0 end
  function r.GetSelectedTrack(project, index)
    assert(index == 0)
    return project.selected_track
  end
  function r.GetMediaTrackInfo_Value(track, name)
    assert(name == "IP_TRACKNUMBER")
    for index, one in ipairs(track.project.tracks) do
      if one == track then
        return index + 0.0
      end
    end
  end

  local function changes(project)
    assert(project.undo_depth == 1, "a change outside of an undo step")
    assert(mock.refresh == 1, "a change while the screen is drawn")
  end
  function r.Undo_BeginBlock2(project) project.undo_depth = project.undo_depth + 1 end
  function r.Undo_EndBlock2(project, text)
    project.undo_depth = project.undo_depth - 1
    assert(project.undo_depth == 0, "an undo step within another")
    project.undo[#project.undo + 1] = text
  end
  function r.PreventUIRefresh(count) mock.refresh = mock.refresh + count end
  function r.UpdateArrange() end
  function r.UpdateItemInProject() end
  function r.CountTracks(project) return #project.tracks end
  function r.GetTrack(project, index) return project.tracks[index + 1] end
  function r.InsertTrackInProject(project, index)
    changes(project)
    local track = mock.track(project)
    table.remove(project.tracks)
    table.insert(project.tracks, index + 1, track)
  end
  function r.InsertTrackAtIndex(index) r.InsertTrackInProject(mock.current, index) end
  function r.SelectProjectInstance(project) mock.current = project end
  function r.GetSetMediaTrackInfo_String(track, name, value, is_set)
    assert(name == "P_NAME" and is_set)
    track.name = value
    return true, value
  end
  function r.CountTrackMediaItems(track) return #track.items end
  function r.GetTrackMediaItem(track, index) return track.items[index + 1] end
  function r.DeleteTrackMediaItem(track, item)
    for index, one in ipairs(track.items) do
      if one == item then
        table.remove(track.items, index)
        item.deleted = true
        return true
      end
    end
    return false
  end
  function r.AddMediaItemToTrack(track)
    changes(track.project)
    local item = new("MediaItem", { track = track, takes = {}, values = { D_POSITION = 0.0, D_LENGTH = 0.0, B_LOOPSRC = 1 }, selected = false })
    track.items[#track.items + 1] = item
    return item
  end
  function r.AddTakeToMediaItem(item)
    changes(item.track.project)
    local take = new("MediaItem_Take", { item = item, name = "", values = { D_STARTOFFS = 0, D_PLAYRATE = 1, D_PITCH = 0 } })
    item.takes[#item.takes + 1] = take
    return take
  end
  function r.SetMediaItemTake_Source(take, source)
    assert(take.source == nil, "a take's own source would leak")
    take.source = source
    return true
  end
  function r.SetMediaItemTakeInfo_Value(take, name, value) take.values[name] = value return true end
  function r.SetMediaItemInfo_Value(item, name, value)
    changes(item.track.project)
    item.values[name] = value
    return true
  end
  function r.GetSetMediaItemTakeInfo_String(take, name, value, is_set)
    assert(name == "P_NAME" and is_set)
    take.name = value
    return true, value
  end
  function r.SetActiveTake(take)
    changes(take.item.track.project)
    take.item.active = take
  end
  function r.PCM_Source_CreateFromFile(file)
    local length = wave_seconds(file)
    return length and mock.source(file, length) or nil
  end
  function r.PCM_Source_Destroy(source) source.deleted = true end
  function r.PCM_Source_BuildPeaks(source, mode)
    source.peaks = (source.peaks or "") .. mode
    return mode == 0 and 1 or mode == 1 and (select(2, source.peaks:gsub("1", "")) < 3 and 50 or 0) or 0
  end
  function r.ValidatePtr2(_, pointer, kind) return kind == pointer.kind .. "*" and not pointer.deleted end
  function r.CF_CreatePreview(source) return new("CF_Preview", { source = source }) end
  function r.CF_Preview_Play(preview) mock.previews = mock.previews + 1 preview.plays = true return true end
  function r.CF_Preview_Stop(preview) mock.previews = mock.previews - 1 preview.plays = false return true end

  function r.CreateTakeAudioAccessor(take) mock.accessors = (mock.accessors or 0) + 1 return new("AudioAccessor", { take = take }) end
  function r.DestroyAudioAccessor(accessor) mock.accessors = mock.accessors - 1 accessor.deleted = true end
  function r.GetAudioAccessorSamples(_, rate, channels, start, count, buffer)
    for frame = 0, count - 1 do -- a ramp that tells where in the item it was read
      for channel = 1, channels do
        buffer.values[frame * channels + channel] = (start + frame / rate) / 100
      end
    end
    return 1
  end
  function r.new_array(size)
    local array = new("array", { values = {} })
    function array.clear()
      for index = 1, size do
        array.values[index] = 0.0
      end
    end
    function array.table(first, count) return { table.unpack(array.values, first, first + count - 1) } end
    return array
  end
  _G.reaper = strict("reaper", functions, r)

  local g = {}
  mock.drawn, mock.key = {}, 0
  function g.init() end
  function g.setfont() end
  function g.set() end
  function g.rect() end
  function g.measurestr(text) return 7 * utf8.len(text), 14 end
  function g.drawstr(text) mock.drawn[#mock.drawn + 1] = text return 0 end
  function g.getchar() mock.drawn = {} return mock.key end
  function g.update() end
  function g.dock() return 0 end
  function g.quit() mock.quit = true end
  function g.showmenu() return mock.menu or 0 end
  mock.mouse = { w = 460, h = 420, mouse_x = -1, mouse_y = -1, mouse_cap = 0, mouse_wheel = 0, x = 0, y = 0 }
  _G.gfx = strict("gfx", functions, g, mock.mouse)
  getmetatable(_G.gfx).__newindex = function(_, name, value)
    assert(mock.mouse[name] ~= nil, "gfx has no " .. name)
    mock.mouse[name] = value
  end
end

-- One turn of what was deferred.
function mock.turn(seconds)
  mock.now = mock.now + (seconds or 0.033)
  local due = mock.deferred
  mock.deferred = {}
  for _, work in ipairs(due) do
    work()
  end
  return #mock.deferred > 0
end

-- Whether undo steps and the screen are as they were at the beginning.
function mock.is_balanced()
  for _, project in ipairs(mock.projects) do
    if project.undo_depth ~= 0 then
      return false
    end
  end
  return mock.refresh == 0 and (mock.accessors or 0) == 0
end

return mock
