-- The pure half and the mock itself. Run by test_scripts.py: `busted` with both folders on its path.
local arrange = require("inspire.arrange")
local json = require("inspire.json")
local Mailbox = require("inspire.mailbox")
local mock = require("mock")
local requests = require("inspire.requests")
local Session = require("inspire.session")
local transport = require("inspire.transport")

local HERE = os.getenv("INSPIRE_TEST_FOLDER")

local function context(values)
  local usual = { items = {}, midi = 0, at = 0, from = 0, to = 0, has_time = false, bpm = 124, beats = 4, unit = 4, label = "1.1", project = {} }
  for name, value in pairs(values or {}) do
    usual[name] = value
  end
  return usual
end

local function settings(values)
  local usual = { prompt = "dub", preset = "", bars = 8, takes = 1, play = false }
  for name, value in pairs(values or {}) do
    usual[name] = value
  end
  return usual
end

local function item(values)
  local usual = { file = "/a.wav", position = 10, length = 4, offset = 1, plain = true, bpm = 124, beats = 4, unit = 4, label = "3.1", item = {} }
  for name, value in pairs(values or {}) do
    usual[name] = value
  end
  return usual
end

local function labels(...)
  local found = {}
  for index, button in ipairs(requests.buttons(...)) do
    found[index] = (button.enabled and "" or "grey: ") .. button.label
  end
  return found
end

describe("an estimate", function()
  it("is asked of what a generate would ask for", function()
    local asked = requests.estimate(context(), settings(), {})
    local made = requests.make("generate", context(), settings(), {})[1].message
    assert.are.same({ "/inspire/estimate", "prompt", "dub" }, { asked[1], asked[2], asked[3] })
    assert.are.same({ table.unpack(made, 3) }, { table.unpack(asked, 4) })
  end)

  it("is not asked where nothing can be generated", function()
    assert.is_nil(requests.estimate(context(), settings({ prompt = "" }), {}))
  end)
end)

describe("the buttons", function()
  it("count what is selected and are grey where there is nothing", function()
    assert.same({ "Generate 8 bars", "grey: Continue 0 items", "grey: Fill", "grey: Arrange regions" }, labels(context(), settings(), {}))
    assert.same({ "grey: Generate 1 bar", "Continue 1 item", "grey: Fill", "grey: Arrange regions" },
      labels(context({ items = { item() } }), settings({ prompt = "", bars = 1 }), { fill = true }))
    local inside = context({ items = { item(), item() }, has_time = true, from = 11, to = 13, label = "9.1–13.1" })
    assert.same({ "Generate 2.0 s", "Continue 2 items", "Fill 9.1–13.1", "grey: Arrange regions" }, labels(inside, settings(), { fill = true }))
    assert.same("grey: Fill 9.1–13.1", labels(inside, settings(), { fill = false })[3])
    assert.same("grey: Fill 9.1–13.1", labels(inside, settings(), {})[3])
  end)

  it("leave out a range that is too short or too long", function()
    assert.same("grey: Generate 0.1 s", labels(context({ has_time = true, to = 0.1 }), settings(), {})[1])
    assert.same("grey: Generate 600.0 s", labels(context({ has_time = true, to = 600 }), settings(), {})[1])
  end)

  it("fill only a range that lies in the item with music before it", function()
    for _, range in ipairs({ { 10, 12 }, { 9, 12 }, { 12, 15 } }) do
      local around = context({ items = { item() }, has_time = true, from = range[1], to = range[2] })
      assert.is_false(requests.buttons(around, settings(), { fill = true })[3].enabled)
    end
  end)
end)

describe("the requests", function()
  it("are whole bars at the tempo of the place, else seconds", function()
    local bars = requests.make("generate", context({ has_time = true, to = 4, bars = 2 }), settings({ takes = 4, seed = 7 }), {})
    assert.same({ "/inspire/generate", "dub", "bars", 2, "bpm", 124, "beats_per_bar", 4, "seed", 7, "variations", 4 }, bars[1].message)
    local seconds = requests.make("generate", context({ has_time = true, to = 3.3, bpm = 500 }), settings({ play = true }), {})
    assert.same({ "/inspire/generate", "dub", "duration_s", 3.3, "play", 1 }, seconds[1].message)
  end)

  it("continue what is visible of an item, and only so much of it", function()
    local made = requests.make("continue", context({ items = { item(), item({ length = 100, offset = 0, section = "chorus" }) } }), settings(), {})
    assert.same({
      "/inspire/continue", "/a.wav", "bars", 8, "join", "new", "from_s", 5, "context_s", 4, "prompt", "dub", "bpm", 124,
      "beats_per_bar", 4,
    }, made[1].message)
    assert.equal(14, made[1].target.position)
    local text = table.concat(made[2].message, " ")
    assert.truthy(text:find("from_s 100 context_s 30", 1, true) and text:find("section chorus", 1, true))
  end)

  it("fill seconds of the file, or of what was written down of it", function()
    local inside = context({ items = { item({ plain = false, length = 40 }) }, has_time = true, from = 30, to = 33 })
    local made = requests.make("fill", inside, settings(), { fill = true })[1]
    requests.with_wave(made, "/wave.wav", 30)
    assert.same({ "/inspire/fill", "/wave.wav", 10, 13 }, { table.unpack(made.message, 1, 4) })
    assert.equal(3, made.target.length)
  end)
end)

-- 2 s to a bar of 4/4; another tempo from `other` on.
local function measure(other)
  return {
    bars = function(from, to)
      local bars = (to - from) / 2
      local crosses = other and from < other and to > other
      return not crosses and bars >= 1 and math.abs(bars - math.floor(bars + 0.5)) < 0.001 and math.floor(bars + 0.5) or nil
    end,
    tempo = function() return 120, 4, 4 end,
    label = function(time) return ("%d.1"):format(time // 2 + 1) end,
  }
end

local function region(name, from, to)
  return { name = name, from = from, to = to }
end

describe("an arrangement", function()
  local song = { region("Song", 0, 32), region("Intro", 0, 8), region("Drop = dark, drums | loud", 16, 32), region("Verse 1", 8.0001, 16) }

  it("is of regions in their order; one that holds them all is none of them", function()
    local plan = arrange.plan(song, nil, {}, 8, measure())
    assert.equal("Intro:4 | Verse 1:4 | Drop:8=dark, drums , loud |", plan.text)
    assert.same({ 16, 0, 32, "1.1" }, { plan.bars, plan.from, plan.to, plan.label })
    assert.is_nil(plan.item)
  end)

  it("is cut to the time selection", function()
    local plan = arrange.plan(song, { from = 12, to = 20 }, {}, 8, measure())
    assert.same({ "Verse 1:2 | Drop:2=dark, drums , loud |", 12, 20 }, { plan.text, plan.from, plan.to })
  end)

  it("is of markers where there are no regions, up to END, the time selection's end or so many bars", function()
    local marks = { region("A", 0), region("", 8), region("=END", 12), region("after", 20) }
    assert.equal("A:4 | part 2:2 |", arrange.plan(marks, nil, {}, 8, measure()).text)
    table.remove(marks, 3)
    assert.equal("A:4 | part 2:6 | after:3 |", arrange.plan(marks, nil, {}, 3, measure()).text)
    assert.equal("A:4 | part 2:2 |", arrange.plan({ marks[1], marks[2] }, { from = 0, to = 12 }, {}, 3, measure()).text)
  end)

  it("goes on from the selected item that ends in it, at a bar line", function()
    local plan = arrange.plan(song, nil, { item({ position = 4, length = 4 }) }, 8, measure())
    assert.same({ "Verse 1:4 | Drop:8=dark, drums , loud |", 12 }, { plan.text, plan.bars })
    assert.equal(4, plan.item.position)
    assert.equal("Verse 1:2 | Drop:8=dark, drums , loud |", arrange.plan(song, nil, { item({ position = 4, length = 8 }) }, 8, measure()).text)
    assert.is_nil(arrange.plan(song, nil, { item({ position = 20, length = 12 }) }, 8, measure()).item)
    local plan_not, why = arrange.plan(song, nil, { item({ position = 4, length = 4.5 }) }, 8, measure())
    assert.is_nil(plan_not)
    assert.truthy(why:find("inside a bar of Verse 1", 1, true))
  end)

  it("says what is wrong with the regions", function()
    for _, try in ipairs({
      { {}, "Draw regions" },
      { { region("A", 0, 8), region("B", 10, 12) }, "gap between A and B" },
      { { region("A", 0, 8), region("B", 6, 12) }, "A and B overlap" },
      { { region("A", 0, 8), region("B", 8, 11) }, "B does not last whole bars" },
    }) do
      local plan, why = arrange.plan(try[1], nil, {}, 8, measure())
      assert.is_nil(plan)
      assert.truthy(why:find(try[2], 1, true), why)
    end
    local plan, why = arrange.plan({ region("A", 0, 8), region("B", 8, 12) }, nil, {}, 8, measure(8))
    assert.is_nil(plan)
    assert.truthy(why:find("changes on the way", 1, true))
  end)

  it("is asked for with the item it goes on from, and needs words otherwise", function()
    local plan = arrange.plan(song, nil, { item({ position = 4, length = 4 }) }, 8, measure())
    local made = requests.make("arrange", context({ plan = plan }), settings({ takes = 2 }), {})[1]
    assert.same({
      "/inspire/arrange", plan.text, "clip", "/a.wav", "join", "new", "from_s", 5, "context_s", 4, "prompt", "dub", "bpm", 120,
      "beats_per_bar", 4, "variations", 2,
    }, made.message)
    assert.truthy(math.abs(made.target.position - 8) < 1e-3 and math.abs(made.target.length - 24) < 1e-3)
    requests.with_wave(made, "/wave.wav", 3)
    assert.equal("/wave.wav", made.message[4])
    assert.equal("Arrange 12 bars after the item: Verse 1 4, Drop 8", requests.buttons(context({ plan = plan }), settings(), {})[4].label)
    plan.item = nil
    assert.is_false(requests.buttons(context({ plan = plan }), settings({ prompt = "" }), {})[4].enabled)
    assert.is_false(requests.buttons(context({ plan = plan }), settings(), { arrange = false })[4].enabled)
  end)
end)

describe("the transport", function()
  local project
  before_each(function()
    mock.install(HERE, "/x/Inspire.lua")
    project = mock.project("/p")
    project.tempo = { { at = 0, bpm = 140, beats = 7, unit = 8 } }
    mock.projects, mock.current = { project }, project
  end)

  it("is REAPER's own signature, tempo and place", function()
    project.cursor = 3 * 60 / 140
    assert.same({ "/inspire/transport", 140, 3.0, 0, "beats_per_bar", 7, "beat_unit", 8 }, { table.unpack((transport.read(project)), 1, 8) })
    project.play_state, project.played_from, project.played_at = 5, 0, mock.now
    mock.now = mock.now + 4 * 60 / 140
    local message = transport.read(project)
    assert.equal(1, message[4])
    assert.truthy(math.abs(message[3] - 4) < 1e-9, message[3])
    project.repeats, project.time = true, { 7 * 60 / 140, 14 * 60 / 140 }
    local loop = {}
    message = transport.read(project)
    for index = 9, #message, 2 do
      loop[message[index]] = math.floor(message[index + 1] * 1000 + 0.5) / 1000
    end
    assert.same({ loop_start_beats = 7, loop_end_beats = 14 }, loop)
  end)

  it("is reported once a second while it plays, and at once when something changes", function()
    local reported = {}
    local function due() return transport.due(reported, project, mock.now) ~= nil end
    assert.is_true(due())
    mock.now = mock.now + 10
    assert.is_false(due(), "it stands")
    project.play_state, project.played_from, project.played_at = 1, 0, mock.now
    assert.is_true(due())
    for _ = 1, 9 do
      mock.now = mock.now + 0.1
      assert.is_false(due())
    end
    mock.now = mock.now + 0.11
    assert.is_true(due())
    project.played_from = 30
    assert.is_true(due(), "it was moved")
    project.tempo[1].bpm = 150
    assert.is_true(due())
    project.play_state = 0
    assert.is_true(due())
    project.tempo[1].beats = 17
    assert.is_false(due(), "the daemon does not take 17/8")
    assert.is_false(reported.plays)
  end)
end)

describe("a session", function()
  it("follows a job from the ask to its takes", function()
    local session = Session.new()
    session:begin("a-1", { verb = "generate", label = "9.1", bpm = 120, quarters = 4, target = {} })
    assert.equal("9.1: asked", (session:progress()))
    session:receive({ what = "queued", id = "a-1", position = 2 })
    assert.equal("9.1: waits, 2 ahead", (session:progress()))
    session:receive({ what = "progress", id = "a-1", done_s = 2, total_s = 8, rtf = 0.5 })
    assert.same({ "9.1: 2.0 of 8.0 s", 0.25 }, { session:progress() })
    local ended = session:receive({ what = "done", id = "a-1", path = "/m/x.wav", others = "x-2.wav/x-3.wav", duration_s = 8, bpm = 120.6 })
    assert.same({ "/m/x.wav", "/m/x-2.wav", "/m/x-3.wav" }, ended.paths)
    assert.same({ 3, 4.0 }, { #session.takes, session.takes[3].bars })
    local percent, size = Session.tempo_error(session.takes[3])
    assert.truthy(math.abs(percent - 0.5) < 1e-9 and math.abs(size - 0.25) < 1e-9)
    assert.is_nil(Session.tempo_error(session.takes[1]))
  end)

  it("keeps what a failed job left, and says why", function()
    local session = Session.new()
    session:begin("a-1", { verb = "fill", label = "9.1", target = {} })
    local ended = session:receive({ what = "fail", id = "a-1", code = "engine_died", message = "it died", path = "/m/x.wav", duration_s = 1 })
    assert.same({ "/m/x.wav", "it died" }, { ended.paths[1], session.message })
    session:begin("a-2", { verb = "fill", label = "9.1", target = {} })
    assert.is_nil(session:receive({ what = "fail", id = "a-2", code = "unknown_address", message = "no", path = "" }))
    assert.is_false(session.can.fill)
    assert.is_nil(session:receive({ what = "done", id = "someone else's", path = "/m/y.wav" }))
  end)
end)

describe("JSON", function()
  it("goes there and back", function()
    for _, value in ipairs({ { "ä „x“ \n\t\"\\", 1, 2.5, true, false, {} }, { { { "deep" } } }, { 0.1, -1e-9, 2 ^ 53 } }) do
      assert.same(value, json.decode(json.encode(value)))
    end
    assert.same({ a = { 1, "😀é" }, b = "x" }, json.decode(' {"a": [1, "\\ud83d\\ude00\\u00e9"], "b":"x", "c": null} '))
  end)

  it("rejects what is none", function()
    for _, text in ipairs({ "", "[1", "[1,]", "{1:2}", '"x', "[1] 2", "nope", "-", '"\\q"' }) do
      local value, why = json.decode(text)
      assert.is_nil(value)
      assert.is_string(why)
    end
    assert.has_error(function() json.encode({ 0 / 0 }) end)
    assert.has_error(function() json.encode({ print }) end)
  end)
end)

describe("the mailbox's client", function()
  local disk, client, received

  local function box()
    disk, received = {}, {}
    local files = { make = function() end, unique = function() return "0123" end }
    function files.write(name, content) disk[name] = content return true end
    function files.rename(from, to) disk[to], disk[from] = disk[from], nil return true end
    function files.read(name, from) return disk[name] and disk[name]:sub(from + 1) end
    function files.remove(name) disk[name] = nil end
    client = Mailbox.new(files, "/m", "reaper")
  end

  local function receive(reply) received[#received + 1] = reply.what end

  before_each(box)

  it("writes beside, reads whole lines once, and takes the last away", function()
    local id = client:ask({ "/inspire/generate", "dub" }, receive, 0)
    assert.equal('["/inspire/generate", "dub"]', disk["/m/reaper/requests/" .. id .. ".json"])
    assert.is_nil(disk["/m/reaper/requests/" .. id .. ".json.part"])
    local replies = "/m/reaper/replies/" .. id .. ".jsonl"
    disk[replies] = '["/inspire/ack", "x"]\n["/inspire/queued", "x"'
    client:poll(1)
    client:poll(2)
    assert.same({ "ack" }, received)
    disk[replies] = disk[replies] .. ', 0]\n{"not": "ours"}\n["/inspire/done", "x", "/m/x.wav", 8]\n'
    client:poll(3)
    assert.same({ "ack", "queued", "done" }, received)
    assert.is_nil(disk[replies])
    assert.same({}, client.open)
  end)

  it("puts a request again only while a daemon lives", function()
    local id = client:ask({ "/inspire/ping" }, receive, 0)
    disk = {}
    client:poll(10)
    assert.same({}, disk)
    disk["/m/daemon.json"] = '{"pid": 1, "beat": 1}'
    client:poll(11)
    assert.is_true(client.alive)
    client:poll(12)
    assert.is_string(disk["/m/reaper/requests/" .. id .. ".json"])
  end)

  it("takes a heartbeat that stands still for no life", function()
    disk["/m/daemon.json"] = '{"pid": 1, "beat": 1}'
    client:poll(0)
    assert.is_false(client.alive)
    disk["/m/daemon.json"] = '{"pid": 1, "beat": 2}'
    client:poll(1)
    assert.is_true(client.alive)
    client:poll(22)
    assert.is_false(client.alive)
    disk["/m/daemon.json"] = "{damaged"
    client:poll(23)
    assert.is_false(client.alive)
  end)

  it("knows where a list ends", function()
    local id = client:ask({ "/inspire/history" }, receive, 0)
    disk["/m/reaper/replies/" .. id .. ".jsonl"] = '["/inspire/found", "x", 9, 2]\n["/inspire/entry", "x", 0, "j", "done"]\n'
      .. '["/inspire/entry", "x", 1, "k", "done"]\n'
    client:poll(1)
    assert.same({ "found", "entry", "entry" }, received)
    assert.same({}, client.open)
  end)
end)

describe("the mock", function()
  before_each(function()
    mock.install(HERE, "/somewhere/Inspire.lua")
    local project = mock.project("/p")
    mock.projects, mock.current = { project }, project
    mock.item(mock.track(project), mock.source("/a.wav", 4), 0, 4)
  end)

  it("rejects what REAPER would reject", function()
    local item = mock.current.tracks[1].items[1]
    for _, wrong in ipairs({
      function() reaper.GetSelectedMediaItems(0) end,
      function() reaper.GetSelectedMediaItem(0) end,
      function() reaper.GetSelectedMediaItem(0, 1.5) end,
      function() reaper.GetSelectedMediaItem(0, "0") end,
      function() reaper.GetActiveTake(mock.current) end,
      function() reaper.GetActiveTake(nil) end,
      function() reaper.SetExtState("a", "b", 1, false) end,
      function() reaper.SetMediaItemInfo_Value(item, "D_POSITION", 0 / 0) end,
      function() reaper.SetMediaItemInfo_Value(item, "D_POSITION", 1) end, -- outside of an undo step
      function() gfx.rectangle(0, 0, 1, 1) end,
      function() gfx.mouse_z = 1 end,
    }) do
      assert.has_error(wrong)
    end
    assert.equal(0, reaper.CountSelectedMediaItems(0 and mock.current))
  end)

  it("finds undo and screen out of balance", function()
    local place = require("inspire.place")
    local result, why = place.in_one_step(mock.current, "x", function() error("broken", 0) end)
    assert.same({ nil, "broken" }, { result, why })
    assert.is_true(mock.is_balanced())
    reaper.Undo_BeginBlock2(mock.current)
    assert.is_false(mock.is_balanced())
  end)
end)

describe("where things lie", function()
  local selection
  before_each(function()
    mock.install(HERE, "/somewhere/Inspire.lua")
    selection = require("inspire.selection")
    mock.current = mock.project("/p")
    mock.projects = { mock.current }
  end)

  it("is given in bars, with the tempo map", function()
    assert.equal("3.2", selection.bar(mock.current, 4.5))
    assert.equal(2, selection.whole_bars(mock.current, 0, 4))
    assert.is_nil(selection.whole_bars(mock.current, 0, 4.1))
    mock.current.tempo[2] = { at = 3, bpm = 90, beats = 4, unit = 4 }
    assert.is_nil(selection.whole_bars(mock.current, 0, 4))
  end)

  it("has the project's own metre, in quarter notes a minute, and asks for it", function()
    mock.current.tempo = { { at = 0, bpm = 120, beats = 6, unit = 8 } }
    local six = selection.read({})
    mock.current.tempo = { { at = 0, bpm = 120, beats = 7, unit = 8 } }
    local seven = selection.read({})
    assert.same({ 120, 6, 8, 120, 7, 8 }, { six.bpm, six.beats, six.unit, seven.bpm, seven.beats, seven.unit })
    assert.equal(2, selection.whole_bars(mock.current, 0, 3.5), "bars of 3.5 quarter notes")
    local message = table.concat(requests.make("generate", seven, settings(), {})[1].message, " ")
    assert.truthy(message:find("bpm 120 beats_per_bar 7 beat_unit 8", 1, true), message)
  end)

  it("knows sections by the names of regions", function()
    mock.current.regions = { { 0, 8, "VERSE 2 (quiet)" }, { 8, 16, "Guitar" }, { 16, 24, "Intro" } }
    local all = { "intro", "verse", "chorus", "verse2", "outro" }
    assert.same({ "verse2", "none", "intro", "none" }, {
      selection.section_at(mock.current, 0, all), selection.section_at(mock.current, 9, all) or "none",
      selection.section_at(mock.current, 16, all), selection.section_at(mock.current, 24, all) or "none",
    })
  end)

  it("writes down the end of a long item as it is heard, to the last frame", function()
    local item = mock.item(mock.track(mock.current), mock.source("/a.wav", 99), 3, 40.25)
    item.selected = true
    local name = os.tmpname()
    assert.equal(30, selection.write_wave(selection.read({}).items[1], name))
    local file = io.open(name, "rb")
    local content = file:read("a")
    file:close()
    os.remove(name)
    local start = #content - 30 * 48000 * 8
    assert.equal("data", content:sub(start - 7, start - 4))
    assert.equal(#content - 8, (string.unpack("<I4", content, 5)))
    for frame = 0, 30 * 48000 - 1, 9999 do -- the mock plays a hundredth of the second of the item
      local left, right = string.unpack("<ff", content, start + frame * 8 + 1)
      assert.truthy(math.abs(left * 100 - (10.25 + frame / 48000)) < 1e-4 and left == right)
    end
    assert.is_true(mock.is_balanced())
    assert.is_nil((selection.write_wave(selection.read({}).items[1], "/nowhere/at/all.wav")))
    assert.is_true(mock.is_balanced())
  end)

  it("sees what of an item is not what its file says", function()
    local track = mock.track(mock.current)
    local parent = mock.source("/a.wav", 8)
    local cases = {
      { mock.source("/a.wav", 8), {}, true }, { mock.source("/a.wav", 8), { D_PLAYRATE = 1.5 }, false },
      { mock.source("/a.wav", 8), { D_PITCH = -2 }, false }, { mock.source("", 8, parent), {}, false },
      { mock.source("/a.wav", 2), {}, false }, { mock.source("/a.wav", 8), { D_STARTOFFS = -1 }, false },
    }
    for index, case in ipairs(cases) do
      local item = mock.item(track, case[1], index * 10, 4, case[2])
      item.selected = true
    end
    local midi = mock.item(track, mock.source("/a.mid", 8), 90, 4)
    midi.takes[1].source.is_midi, midi.selected = true, true
    local found = selection.read({})
    assert.same({ #cases, 1 }, { #found.items, found.midi })
    for index, item in ipairs(found.items) do
      assert.same({ index, cases[index][3], "/a.wav" }, { index, item.plain, item.file })
    end
  end)
end)
