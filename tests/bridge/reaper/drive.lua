-- The real panel against a real daemon: `lua drive.lua FOLDER LUA_FOLDER WORK MAILBOX SCENARIO CLIP`. Prints "ok" last; an error is one.
local folder, scripts, work, mailbox, scenario, clip = table.unpack(arg)
package.path = scripts .. "/?.lua;" .. folder .. "/?.lua;" .. package.path
local mock = require("mock")

mock.install(folder, scripts .. "/Inspire.lua")
mock.ext["inspire/mailbox"] = mailbox
local project = mock.project(work .. "/project", work .. "/project/song.rpp")
project.tempo = { { at = 0, bpm = 124, beats = 4, unit = 4 } }
mock.projects, mock.current = { project }, project
local track = mock.track(project)
project.selected_track = track
local bar = 4 * 60 / 124

local function close(value, wanted)
  assert(math.abs(value - wanted) < 1e-6, ("%s is not %s"):format(value, wanted))
end

local function settle(condition, what)
  for _ = 1, 1000 do
    mock.turn()
    local value = condition()
    if value then
      return value
    end
    os.execute("sleep 0.02")
  end
  error("waited in vain: " .. what .. "; drawn: " .. table.concat(mock.drawn, " | "))
end

local function shows(text)
  return table.concat(mock.ui and mock.ui.drawn or mock.drawn, " "):find(text, 1, true) ~= nil
end

mock.missing.ImGui_GetBuiltinPath = scenario ~= "imgui" or nil
local alone = scenario:find("^alone_") ~= nil -- an action without a panel
if not alone then
  dofile(scripts .. "/Inspire.lua")
end
local app = require("inspire.app")
local state = require("inspire.state")
local verbs = require("inspire.verbs")
local ready = alone or settle(function() return state.model.alive and state.session.can.fill ~= nil and #state.session.presets > 0 end, "the daemon")
if not alone then
  settle(function() return shows("Ready") end, "its state")
  assert(shows("Continue 0 items") and shows("Generate 8 bars"))
  state.settings.prompt = "dub techno"
  state.session.takes = {} -- of other tests
end
assert(ready)

local function items()
  local found = {}
  for _, one in ipairs(project.tracks) do
    for _, item in ipairs(one.items) do
      found[#found + 1] = item
    end
  end
  return found
end

local scenarios = {}

-- A time range of four bars at bar 3: one item with three takes, exactly there.
function scenarios.generate()
  project.time = { 2 * bar, 6 * bar }
  state.settings.takes = 3
  settle(function() return shows("Generate 4 bars") end, "the button")
  assert(verbs.start("generate") == 1)
  local item = settle(function() return items()[1] end, "the item")
  close(item.values.D_POSITION, 2 * bar)
  assert(math.abs(item.values.D_LENGTH - 4 * bar) < 1 / 48000, item.values.D_LENGTH)
  assert(#item.takes == 3 and item.active == item.takes[1] and item.track == track)
  assert(item.takes[1].source.peaks:find("^01+2$"))
  assert(item.takes[1].source.file:find(project.folder, 1, true) == 1, "a saved project keeps its media beside it")
  assert(#project.undo == 1)
  local takes = state.session.takes
  assert(#takes == 3 and takes[3].index == 1 and takes[3].bars == 4)
  settle(function() return shows("3  generate 3.1–7.1") end, "the table")
  settle(function() return shows("first sound in") end, "the estimate, now that a job was measured")
  assert(shows("Not heard while it is made: none"), "the test's daemon has no audio device")
  assert(#project.undo == 1, "nothing but the result changed the project")
end

-- Each take tells what was measured in it, from the file beside it.
function scenarios.measured()
  project.time = { 0, 1 * bar }
  state.settings.takes, state.settings.prompt = 2, "rolled tune"
  mock.turn(0.2)
  assert(verbs.start("generate") == 1)
  settle(function() return items()[1] end, "the item")
  for _, take in ipairs({ state.session.takes[1], state.session.takes[2] }) do
    assert(take.bpm == 124 and take.key == "A minor" and take.downbeat_ms == 3.2 and take.join_db == -31.2, take.path)
  end
  settle(function() return shows("124.00  +3 ms") and shows("−31 dB") end, "the table")
end

-- An item that plays a part of its file: continued from where it ends, next to it, its source untouched.
function scenarios.continue()
  local item = mock.item(track, mock.source(clip, 6.5), 4 * bar, 3.0, { D_STARTOFFS = 0.5 })
  item.selected = true
  settle(function() return shows("Continue 1 item") end, "the button")
  assert(verbs.start("continue") == 1)
  local job = state.session.jobs[state.session.latest]
  local placed = settle(function() return items()[2] end, "the item")
  local said = table.concat(job.request.message, " ")
  assert(said:find("from_s 3.5 context_s 3.0", 1, true) and said:find("join new", 1, true), said)
  close(placed.values.D_POSITION, 4 * bar + 3.0)
  assert(placed.track == track and item.values.D_LENGTH == 3.0 and #item.takes == 1 and #project.undo == 1)
end

-- An item whose play rate is not 1 is continued as it is heard, from a wave of its own; where it is moved meanwhile, so is the result.
function scenarios.as_heard()
  local item = mock.item(track, mock.source(clip, 6.5), 2 * bar, 3.0, { D_PLAYRATE = 1.5 })
  item.selected = true
  state.settings.prompt = "slow"
  mock.turn()
  assert(verbs.start("continue") == 1)
  item.values.D_POSITION = 4 * bar
  local placed = settle(function() return items()[2] end, "the item")
  local message = state.session.jobs[state.session.latest].request.message
  assert(message[2]:find("/Inspire/heard-", 1, true), message[2])
  close(placed.values.D_POSITION, 4 * bar + 3.0)
  print("heard", message[2])
end

-- What is in the way is not covered: a new track takes it.
function scenarios.in_the_way()
  local other = mock.item(track, mock.source(clip, 6.5), bar, bar)
  project.time = { 0, 4 * bar }
  mock.turn()
  assert(verbs.start("generate") == 1)
  settle(function() return #items() == 2 end, "the item")
  assert(#project.tracks == 2 and project.tracks[1] == track and project.tracks[2].name == "Inspire")
  close(project.tracks[2].items[1].values.D_POSITION, 0)
  assert(other.values.D_LENGTH == bar)
end

-- "Stop, keep": what there is lands all the same. Asked for by an action, which finds the panel open.
function scenarios.stop()
  project.time = { 0, 16 * bar }
  state.settings.prompt = "slow"
  mock.turn()
  app.run_action("generate")
  local job = settle(function() return state.session.latest and state.session.jobs[state.session.latest] end, "the job")
  settle(function() return job.made_s and job.made_s >= 0.5 end, "its chunks")
  settle(function() return shows("of 31.0 s") end, "its progress")
  app.run_action("stop")
  local item = settle(function() return items()[1] end, "the item")
  assert(job.state == "cancelled" and item.values.D_LENGTH >= 0.5 and item.values.D_LENGTH < 16 * bar)
end

-- Again: another seed, to the same place, which is taken: below it.
function scenarios.again()
  state.settings.play, state.model.note = false, nil -- which would stand above the table
  project.time = { 0, 2 * bar }
  mock.turn()
  assert(verbs.start("generate") == 1)
  settle(function() return #items() == 1 end, "the item")
  assert(verbs.again() == 1)
  settle(function() return #items() == 2 end, "the other item")
  assert(#project.tracks == 2 and #project.undo == 2)
  local take = state.session.takes[2]
  mock.mouse.mouse_x, mock.mouse.mouse_y, mock.mouse.mouse_cap = 20, 233, 1 -- the heart of the first row
  mock.turn()
  mock.mouse.mouse_cap = 0
  settle(function() return state.session.takes[1].kept end, "the favourite")
  assert(not take.kept)
end

-- What the daemon rejects is shown; nothing is placed.
function scenarios.rejected()
  state.settings.prompt = "refuse"
  mock.turn()
  assert(verbs.start("generate") == 1)
  settle(function() return shows("asked to reject") end, "the message")
  assert(#items() == 0 and #project.undo == 0)
  project.time = { 0, 0.1 }
  mock.turn()
  assert(verbs.start("generate") == 0 and state.session.message:find("time selection"))
end

-- A daemon without fill: the button is grey and says so. One that has it: a range inside an item is filled.
function scenarios.fill()
  local item = mock.item(track, mock.source(clip, 6.5), 0, 6.0)
  item.selected = true
  project.time = { 2.0, 4.0 }
  mock.turn()
  if state.session.can.fill then
    assert(verbs.start("fill") == 1)
    local message = state.session.jobs[state.session.latest].request.message
    assert(message[3] == 2.0 and message[4] == 4.0)
  else
    assert(verbs.start("fill") == 0 and state.session.message == "This daemon cannot fill yet")
  end
end

-- Regions are a piece in one go: on from the item that ends where the second begins, exactly as long as they are.
function scenarios.arrange()
  project.regions = { { 0.0, 2 * bar, "Intro" }, { 2 * bar, 4 * bar, "Drop = dark, drums" }, { 4 * bar, 5 * bar, "Outro" } }
  settle(function() return shows("Arrange 5 bars: Intro 2, Drop 2, Outro 1") end, "the button")
  local item = mock.item(track, mock.source(clip, 6.5), 0, 2 * bar)
  item.selected = true
  settle(function() return shows("Arrange 3 bars after the item: Drop 2, Outro 1") end, "the button for the item")
  assert(verbs.start("arrange") == 1)
  local placed = settle(function() return items()[2] end, "the item")
  close(placed.values.D_POSITION, 2 * bar)
  assert(math.abs(placed.values.D_LENGTH - 3 * bar) < 1 / 48000 and placed.track == track and #project.undo == 1)
  local message = state.session.jobs[state.session.latest].request.message
  assert(message[2] == "Drop:2=dark, drums | Outro:1 |" and message[4] == clip, table.concat(message, " "))
  project.regions[2][2] = 3.5 * bar
  mock.turn(0.2)
  assert(verbs.start("arrange") == 0 and state.session.message:find("gap between Drop"), state.session.message)
end

-- While REAPER plays the daemon knows its bars, and what is made is heard from the next one on.
function scenarios.playing()
  project.played_from, project.played_at, project.play_state = 9 * bar, mock.now, 1
  state.settings.play = true
  mock.turn()
  assert(state.settings.plays)
  project.time = { 0, 1 * bar }
  mock.turn(0.2)
  assert(verbs.start("generate") == 1)
  local job = state.session.jobs[state.session.latest]
  assert(table.concat(job.request.message, " "):find("play 1 start bar", 1, true))
  settle(function() return #items() == 1 end, "the item")
  assert(job.state == "done")
  local answer
  local function daemon_says(transport)
    state.mailbox:ask({ "/inspire/status" }, function(reply) answer = reply end, mock.now)
    return answer and answer.transport == transport and answer.transport_from == "report"
  end
  settle(function() return daemon_says("playing") end, "the daemon to know that it plays")
  assert(answer.bar >= 10 and answer.bar < 40 and answer.bpm == 124 and answer.beats_per_bar == 4, tostring(answer.bar))
  project.play_state = 0
  settle(function() return daemon_says("stopped") end, "the daemon to know that it stopped")
end

-- A daemon that forgot the host, as one started anew has: it is made and heard at once all the same.
function scenarios.no_clock()
  state.settings.play, state.settings.plays = true, true
  project.time = { 0, 1 * bar }
  local transport = require("inspire.transport")
  transport.due = function(known) known.plays = true return nil end
  mock.turn(0.2)
  assert(verbs.start("generate") == 1)
  settle(function() return #items() == 1 end, "the item")
  assert(not table.concat(state.session.jobs[state.session.latest].request.message, " "):find("start", 1, true))
end

-- The daemon is killed while it works and another comes: the panel says so, and what was made lands.
function scenarios.killed()
  project.time = { 0, 16 * bar }
  state.settings.prompt = "slow"
  mock.turn()
  assert(verbs.start("generate") == 1)
  local job = state.session.jobs[state.session.latest]
  settle(function() return job.made_s and job.made_s >= 0.5 end, "its chunks")
  print("kill")
  io.stdout:flush()
  settle(function() return shows("No daemon") end, "the panel to notice")
  print("restart")
  io.stdout:flush()
  settle(function() return job.state == "fail" end, "the end")
  settle(function() return shows("Ready") end, "the new daemon")
  assert(#items() == 1 and items()[1].values.D_LENGTH >= 0.5)
end

-- The project it was made for was closed: nothing lands elsewhere by itself, a double click places it.
function scenarios.closed()
  project.time = { 0, 4 * bar }
  state.settings.prompt = "slow"
  mock.turn()
  assert(verbs.start("generate") == 1)
  local other = mock.project(work .. "/other")
  mock.track(other)
  other.selected_track, other.cursor = other.tracks[1], 7.25
  mock.projects, mock.current = { other }, other
  settle(function() return shows("is closed") end, "the message")
  assert(#items() == 0 and #other.tracks[1].items == 0)
  for _ = 1, 2 do -- twice on the first row
    mock.mouse.mouse_x, mock.mouse.mouse_y, mock.mouse.mouse_cap = 120, 273, 1
    mock.turn()
    mock.mouse.mouse_cap = 0
    mock.turn()
  end
  close(other.tracks[1].items[1].values.D_POSITION, 7.25)
  assert(other.tracks[1].items[1].takes[1].source.file:find("/music/", 1, true), "an unsaved project has no media folder")
  project = other
end

-- The actions' own files without a panel: done here, messages in boxes.
local function act(name)
  dofile(scripts .. "/Inspire - " .. name .. ".lua")
  while mock.turn() do
    os.execute("sleep 0.02")
  end
end

function scenarios.alone_generate()
  mock.ext["inspire/prompt"], mock.ext["inspire/takes"] = "dub", "2"
  project.time = { bar, 3 * bar }
  act("Generate")
  assert(#items() == 1 and #items()[1].takes == 2 and #project.undo == 1 and #mock.boxes == 0)
  close(items()[1].values.D_POSITION, bar)
  project.cursor = 40.5
  act("Again") -- of a job that only the daemon knows by now: to the edit cursor
  assert(#items() == 2 and #mock.boxes == 0, table.concat(mock.boxes, " | "))
  close(items()[2].values.D_POSITION, 40.5)
  act("Stop, keep")
  assert(#items() == 2)
end

function scenarios.alone_continue()
  local item = mock.item(track, mock.source(clip, 6.5), 0, 2 * bar)
  item.selected = true
  act("Continue selected items")
  close(items()[2].values.D_POSITION, 2 * bar)
end

function scenarios.alone_rejected()
  for _, name in ipairs({ "Generate", "Continue selected items", "Fill time selection", "Stop, keep", "Again" }) do
    act(name)
  end
  local shown = table.concat(mock.boxes, " | ")
  assert(#mock.boxes == 5 and shown:find("Write what to play", 1, true) and shown:find("Select an audio item", 1, true), shown)
  assert(#items() == 0 and #project.undo == 0)
end

function scenarios.alone_nobody()
  mock.ext["inspire/mailbox"], mock.ext["inspire/prompt"] = work .. "/nobody", "dub"
  act("Generate")
  assert(#mock.boxes == 1 and mock.boxes[1]:find("inspire serve", 1, true))
end

-- Another project's tab is in front when the result comes: it goes to its own, on a new track there.
function scenarios.other_tab()
  mock.item(track, mock.source(clip, 6.5), bar, bar)
  project.time = { 0, 4 * bar }
  mock.turn()
  assert(verbs.start("generate") == 1)
  local other = mock.project(work .. "/other")
  mock.track(other)
  mock.projects, mock.current = { other, project }, other
  settle(function() return #items() == 2 end, "the item")
  assert(#project.tracks == 2 and #other.tracks == 1 and #other.tracks[1].items == 0 and mock.current == other)
  assert(project.tracks[2].items[1].takes[1].source.file:find(project.folder, 1, true))
end

-- The same before REAPER 7.
function scenarios.other_tab_reaper_6()
  mock.missing.InsertTrackInProject = true
  scenarios.other_tab()
end

-- A panel that is opened again shows what was made before.
function scenarios.history()
  project.time = { 0, 4 * bar }
  state.settings.prompt = "a tune to find again"
  mock.turn()
  assert(verbs.start("generate") == 1)
  settle(function() return #items() == 1 end, "the item")
  local path = state.session.takes[1].path
  mock.key = -1
  mock.turn()
  mock.key, mock.deferred = 0, {}
  app.open_panel()
  settle(function() return shows("a tune to find") end, "the history")
  assert(state.session.takes[1].path == path)
end

-- On gfx: a prompt with commas typed in the dialog, a seed, a preset from the menu, the daemon started.
function scenarios.dialogs()
  local function click(x, y)
    mock.mouse.mouse_x, mock.mouse.mouse_y, mock.mouse.mouse_cap = x, y, 1
    mock.turn()
    mock.mouse.mouse_cap = 0
    mock.turn()
  end
  mock.typed = "dub, techno, 124 bpm"
  click(50, 50)
  assert(state.settings.prompt == mock.typed and mock.ext["inspire/prompt"] == mock.typed)
  mock.menu = 2
  click(400, 50)
  assert(state.settings.preset == state.session.presets[1])
  mock.menu = 1
  click(400, 50)
  assert(state.settings.preset == "")
  for _, try in ipairs({ { "7", 7 }, { "-1", 7 }, { "seven", 7 }, { "99999999999", 7 }, { "", nil } }) do
    mock.typed = try[1]
    click(260, 80)
    assert(state.settings.seed == try[2], try[1])
  end
  state.model.alive, state.mailbox.alive = false, false
  state.mailbox.poll = function() end
  click(430, 18)
  assert(mock.executed[1] == "inspire serve")
end

-- On ReaImGui: typed in place, a preset chosen from its menu, a button clicked, a take listened to, used and kept.
function scenarios.imgui()
  local ui = mock.ui
  ui.typed = { ["##prompt"] = "a tune" }
  mock.turn()
  ui.typed = nil
  assert(state.settings.prompt == "a tune" and mock.ext["inspire/prompt"] == "a tune")
  ui.click = "##preset"
  mock.turn()
  ui.click = nil
  mock.turn()
  ui.chosen = state.session.presets[1]
  mock.turn()
  mock.turn()
  assert(state.settings.preset == ui.chosen)
  for _, name in ipairs({ "takes+", "bars-", "play" }) do
    ui.click = "##" .. name
    mock.turn()
  end
  ui.click = "##continue"
  mock.turn()
  assert(ui.tip == "Select an audio item")
  assert(state.settings.takes == 2 and state.settings.bars == 7 and not state.settings.play)
  ui.click = "##generate"
  mock.turn()
  ui.click = nil
  settle(function() return items()[1] end, "the item")
  ui.click = "##take1"
  mock.turn()
  assert(mock.previews == 1 and state.model.listening == state.session.takes[1])
  mock.turn()
  assert(mock.previews == 0, "a second click ends it")
  ui.double = true
  mock.turn()
  ui.click, ui.double = nil, nil
  local item = items()[1]
  assert(#item.takes == 2 and item.active == item.takes[2] and #project.undo == 2)
  ui.click = "##keep1"
  mock.turn()
  ui.click = nil
  settle(function() return state.session.takes[1].kept end, "the favourite")
  assert(ui.open == 0 and ui.clips == 0 and ui.popup == 0)
  ui.closed = true
end

scenarios[scenario]()
for _ = 1, mock.ui and 1 or 5 do
  mock.turn()
end
assert(mock.is_balanced(), "undo, screen or accessors were not put back")
mock.key = -1 -- the window is closed
mock.turn()
assert(#mock.deferred == 0, "it goes on after its window was closed")
for _, work_at_exit in ipairs(mock.at_exit) do
  work_at_exit()
end
assert(mock.previews == 0)
print("ok")
