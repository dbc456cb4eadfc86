-- Prints what the panel draws, as JSON lines, for draw_panel.py: `lua record_panel.lua STATE [WIDTH HEIGHT]`.
local here = arg[0]:match("^(.*[/\\])") or "./"
package.path = here .. "Inspire/?.lua;" .. package.path
local json = require("inspire.json")
local panel = require("inspire.panel")
local requests = require("inspire.requests")
local Session = require("inspire.session")

local CHARACTER = 7.0 -- pixels of one, as measured by the fonts of both canvases at most
local canvas = {}

local function write(...)
  print(json.encode({ ... }))
end

function canvas.rect(x, y, w, h, rgba) write("rect", x, y, w, h, rgba) end

function canvas.text(x, y, w, h, text, rgba, align) write("text", x, y, w, h, text, rgba, align) end

function canvas.measure(text) return utf8.len(text) * CHARACTER end

function canvas.area(id, x, y, w, h) write("area", x, y, w, h, id) end

function canvas.field(id, x, y, w, h, text, hint)
  write("rect", x, y, w, h, panel.COLOURS.field)
  write("text", x + 6, y, w - 12, h, text == "" and hint or text, text == "" and panel.COLOURS.faint or panel.COLOURS.text, "left")
  write("area", x, y, w, h, id)
end

local session = Session.new()
local settings = { prompt = "warm dub techno, no drums", preset = "", bars = 8, takes = 3, play = true }
local context = { items = {}, midi = 0, at = 0, from = 0, to = 0, has_time = false, bpm = 124, beats = 4, unit = 4, label = "1.1", project = {} }
local model = { settings = settings, session = session, alive = true, state_text = "Ready  –  sketch" }
local can = { fill = true }
context.no_plan = "Draw regions such as Intro, Verse, Drop: each becomes a section, as long as it is"

local function asked(id, verb, label)
  session:begin(id, { verb = verb, label = label, bpm = 124, quarters = 4, target = {} })
end

local states = {}

function states.empty()
  settings.prompt = ""
end

function states.working()
  context.items = { { position = 0, length = 40, label = "9.1", bpm = 124, beats = 4, unit = 4 } }
  context.plan = {
    bars = 40, from = 0, to = 77.4, bpm = 124, beats = 4, unit = 4, names = { "Intro 8", "Verse 8", "Drop 16", "Outro 8" }, text = "",
  }
  context.has_time, context.from, context.to, context.bars, context.label = true, 16, 23.742, 4, "9.1–13.1"
  asked("r-1", "generate", "1.1–9.1")
  session:receive({ what = "done", id = "r-1", path = "/m/a.wav", others = "a-2.wav/a-3.wav", duration_s = 15.484, bpm_measured = 124.02, downbeat_ms = 3, key = "A minor" })
  for index, facts in ipairs({ { bpm_measured = 123.9, downbeat_ms = -6, key = "A minor" }, { bpm_measured = 124, downbeat_ms = 2, key = "C major" } }) do
    Session.measured(session.takes[index], { engine = facts })
  end
  asked("r-2", "continue", "9.1")
  session:receive({ what = "done", id = "r-2", path = "/m/b.wav", duration_s = 15.484, bpm = 125.1, key = "A minor", join_click_db = -31 })
  session.jobs["r-2"].placed, session.jobs["r-2"].active = {}, 1
  session.takes[1].kept = true
  model.listening = session.takes[3]
  asked("r-3", "fill", "9.1–13.1")
  session:receive({ what = "progress", id = "r-3", done_s = 3.1, total_s = 7.7, rtf = 0.5 })
  model.state_text = "Working  –  sketch"
end

function states.rejected()
  session.latest = "r-1"
  session.message = "the clip /home/me/Music/bass.wav is silent from 0 to 30 s: choose another part of it, or a clip that can be heard"
end

function states.no_daemon()
  model.alive = false
  context.items = { {}, {} }
end

states[arg[1]]()
model.buttons = requests.buttons(context, settings, can)
panel.draw(canvas, model, tonumber(arg[2]) or panel.WIDTH, tonumber(arg[3]) or panel.HEIGHT)
