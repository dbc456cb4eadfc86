-- The panel: what stands where. Draws on a canvas (gfx, ReaImGui, or one that records) and returns what was clicked.
local Session = require("inspire.session")

local panel = {}

panel.WIDTH, panel.HEIGHT = 460, 448 -- as it opens, in pixels
local MARGIN, GAP, ROW, LINE = 10, 6, 22, 17
local COLOURS = {
  back = 0x24262BFF, field = 0x17181BFF, button = 0x3D6FE0FF, off = 0x34373DFF, quiet = 0x3A3D44FF, text = 0xE8E8E8FF, dim = 0x9097A1FF,
  faint = 0x5E636CFF, good = 0x4CB782FF, fair = 0xE0B23DFF, bad = 0xE0533DFF, line = 0x33363CFF, on = 0x2F4A86FF, heart = 0xF06A8AFF,
}
panel.COLOURS = COLOURS

local function button(canvas, id, x, y, w, h, label, enabled, why, colour)
  canvas.rect(x, y, w, h, enabled and (colour or COLOURS.button) or COLOURS.off)
  canvas.text(x + 6, y, w - 12, h, label, enabled and COLOURS.text or COLOURS.faint, "centre")
  local click = canvas.area(id, x, y, w, h, not enabled and why or nil)
  return enabled and click or nil
end

local function stepper(canvas, id, x, y, w, label, value)
  canvas.rect(x, y, w, ROW, COLOURS.field)
  canvas.text(x + 22, y, w - 44, ROW, label .. " " .. value, COLOURS.text, "centre")
  canvas.text(x, y, 22, ROW, "–", COLOURS.dim, "centre")
  canvas.text(x + w - 22, y, 22, ROW, "+", COLOURS.dim, "centre")
  if canvas.area(id .. "-", x, y, 22, ROW) then
    return -1
  end
  return canvas.area(id .. "+", x + w - 22, y, 22, ROW) and 1 or nil
end

local function light(canvas, x, y, colour)
  canvas.rect(x, y + 7, 8, 8, colour)
end

-- The daemon's state in one line at the top.
local function draw_state(canvas, model, y, width)
  light(canvas, MARGIN, y, model.alive and COLOURS.good or COLOURS.bad)
  local text = model.alive and (model.state_text or "Ready") or "No daemon: start it, or type  inspire serve"
  canvas.text(MARGIN + 14, y, width - 2 * MARGIN - 14 - 60, ROW, text, COLOURS.dim, "left")
  if not model.alive and button(canvas, "start", width - MARGIN - 54, y, 54, ROW, "Start", true, nil, COLOURS.quiet) then
    return { "start" }
  end
end

local function draw_words(canvas, model, y, width, asked)
  local settings = model.settings
  local preset_w = 140
  local prompt_w = width - 2 * MARGIN - GAP - preset_w
  local text = canvas.field("prompt", MARGIN, y, prompt_w, ROW + 4, settings.prompt, "What to play: style, tempo, instruments")
  if text and text ~= settings.prompt then
    asked = { "prompt", text }
  end
  local x = MARGIN + prompt_w + GAP
  local preset = settings.preset == "" and "No preset" or settings.preset
  if button(canvas, "preset", x, y, preset_w, ROW + 4, preset, true, nil, COLOURS.quiet) then
    asked = { "preset" }
  end
  return asked
end

local function draw_values(canvas, model, y, width, asked)
  local settings = model.settings
  local w = (width - 2 * MARGIN - 3 * GAP) / 4
  local step = stepper(canvas, "bars", MARGIN, y, w, "Bars", settings.bars)
  asked = step and { "bars", step } or asked
  step = stepper(canvas, "takes", MARGIN + (w + GAP), y, w, "Takes", settings.takes)
  asked = step and { "takes", step } or asked
  local seed = settings.seed and "Seed " .. settings.seed or "Seed free"
  if button(canvas, "seed", MARGIN + 2 * (w + GAP), y, w, ROW, seed, true, nil, settings.seed and COLOURS.on or COLOURS.quiet) then
    asked = { "seed" }
  end
  local play = settings.play and "Play: on" or "Play: off"
  if button(canvas, "play", MARGIN + 3 * (w + GAP), y, w, ROW, play, true, nil, settings.play and COLOURS.on or COLOURS.quiet) then
    asked = { "play" }
  end
  return asked
end

-- `text` as far as it fits.
local function fitted(canvas, text, width)
  local letters = utf8.len(text) or 0
  local shown = text
  while letters > 1 and canvas.measure(shown) > width do
    letters = letters - 1
    shown = text:sub(1, utf8.offset(text, letters + 1) - 1) .. "…"
  end
  return shown
end

local function draw_verbs(canvas, model, y, width, asked)
  local w = (width - 2 * MARGIN - 2 * GAP) / 3
  for index, one in ipairs(model.buttons) do
    local x, wide, high = MARGIN + (index - 1) * (w + GAP), w, ROW + 12
    if index == 4 then -- the whole piece, with room for its sections
      x, y, wide, high = MARGIN, y + ROW + 12 + GAP, width - 2 * MARGIN, ROW
    end
    local enabled = one.enabled and model.alive
    local why = model.alive and one.why or "There is no daemon"
    if button(canvas, one.name, x, y, wide, high, fitted(canvas, one.label, wide - 12), enabled, why) then
      asked = { one.name }
    end
  end
  return asked
end

local function draw_progress(canvas, model, y, width, asked)
  local text, part = model.session:progress()
  local w = width - 2 * MARGIN - 2 * (GAP + 84)
  canvas.rect(MARGIN, y, w, ROW, COLOURS.field)
  if part and part > 0 then
    canvas.rect(MARGIN, y, w * math.min(1, part), ROW, COLOURS.on)
  end
  canvas.text(MARGIN + 6, y, w - 12, ROW, text, COLOURS.text, "left")
  if button(canvas, "stop", MARGIN + w + GAP, y, 84, ROW, "Stop, keep", part ~= nil, "Nothing is being made", COLOURS.quiet) then
    asked = { "stop" }
  end
  local again = model.session.latest ~= nil
  if button(canvas, "again", width - MARGIN - 84, y, 84, ROW, "Again", again and model.alive, "Nothing was made yet", COLOURS.quiet) then
    asked = { "again" }
  end
  return asked
end

-- `text` in lines that fit a width.
local function wrapped(canvas, text, width)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if line ~= "" and canvas.measure(longer) > width then
      lines[#lines + 1], line = line, word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- What went wrong, in full, else why nothing is heard. Returns where it ends.
local function draw_message(canvas, model, y, width)
  local message, colour = model.session.message, COLOURS.fair
  if message == "" then
    message, colour = model.note or "", COLOURS.dim
  end
  if message == "" then
    return y
  end
  for _, line in ipairs(wrapped(canvas, message, width - 2 * MARGIN)) do
    canvas.text(MARGIN, y, width - 2 * MARGIN, LINE, line, colour, "left")
    y = y + LINE
  end
  return y + GAP
end

local COLUMNS = { -- name, share of the width
  { "♥", 0.06 }, { "Take", 0.36 }, { "Bars", 0.09 }, { "Tempo", 0.24 }, { "Key", 0.14 }, { "Join", 0.11 },
}

local function draw_tempo(canvas, take, x, y, w)
  local percent, size = Session.tempo_error(take)
  if not percent then
    canvas.text(x, y, w, ROW, take.asked_bpm and ("%.2f"):format(take.asked_bpm) or "–", COLOURS.faint, "left")
    return
  end
  local colour = size < 0.1 and COLOURS.good or size < 0.5 and COLOURS.fair or COLOURS.bad
  canvas.rect(x, y + ROW - 5, w - 8, 3, COLOURS.line)
  canvas.rect(x, y + ROW - 5, math.max(3, (w - 8) * size), 3, colour)
  local text = take.downbeat_ms and ("%.2f  %+.0f ms"):format(take.bpm, take.downbeat_ms) or ("%.2f  %+.2f %%"):format(take.bpm, percent)
  canvas.text(x, y - 2, w, ROW, text:gsub("%-", "−"), COLOURS.text, "left")
end

local function draw_row(canvas, model, take, number, y, width)
  local x = MARGIN
  local is_on = take.job.placed ~= nil and take.job.active == take.index
  if is_on or number % 2 == 0 then
    canvas.rect(MARGIN, y, width - 2 * MARGIN, ROW, is_on and COLOURS.on or COLOURS.line)
  end
  local values = {
    take.kept and "♥" or "♡",
    ("%s%d  %s %s"):format(model.listening == take and "▶ " or "", take.index, take.job.verb, take.job.label),
    take.bars and ("%g"):format(take.bars) or "–", nil, take.key or "–",
    take.join_db and ("%+.0f dB"):format(take.join_db):gsub("-", "−") or "–",
  }
  for index, column in ipairs(COLUMNS) do
    local w = (width - 2 * MARGIN) * column[2]
    if index == 4 then
      draw_tempo(canvas, take, x + 4, y, w)
    else
      canvas.text(x + 4, y, w - 4, ROW, values[index], index == 1 and COLOURS.heart or COLOURS.text, "left")
    end
    x = x + w
  end
  local heart = (width - 2 * MARGIN) * COLUMNS[1][2]
  if canvas.area("keep" .. number, MARGIN, y, heart, ROW) then
    return { "keep", take }
  end
  local click = canvas.area("take" .. number, MARGIN + heart, y, width - 2 * MARGIN - heart, ROW)
  return click and { click == "double" and "use" or "listen", take }
end

local function draw_results(canvas, model, y, width, height, asked)
  local x = MARGIN
  for _, column in ipairs(COLUMNS) do
    local w = (width - 2 * MARGIN) * column[2]
    canvas.text(x + 4, y, w - 4, ROW, column[1], COLOURS.dim, "left")
    x = x + w
  end
  canvas.rect(MARGIN, y + ROW, width - 2 * MARGIN, 1, COLOURS.line)
  y = y + ROW + 2
  local rows = math.max(0, math.floor((height - MARGIN - y) / ROW))
  local takes = model.session.takes
  local first = math.max(0, math.min(model.scroll or 0, #takes - rows))
  model.scroll = first
  for index = first + 1, math.min(#takes, first + rows) do
    asked = draw_row(canvas, model, takes[index], index, y, width) or asked
    y = y + ROW
  end
  local room = math.min(ROW * 2, height - y)
  if #takes == 0 and room >= LINE then
    local hint = "What is made appears here: click to listen, double-click to use"
    canvas.text(MARGIN, y, width - 2 * MARGIN, room, hint, COLOURS.faint, "centre")
  end
  return asked
end

-- Draws everything and returns what was asked for, such as {"generate"} or {"listen", take}, or nil. `model` has alive, state_text,
-- settings, buttons, session, listening and scroll.
function panel.draw(canvas, model, width, height)
  canvas.rect(0, 0, width, height, COLOURS.back)
  local y = MARGIN - 4
  local asked = draw_state(canvas, model, y, width)
  y = y + ROW + GAP
  asked = draw_words(canvas, model, y, width, asked)
  y = y + ROW + 4 + GAP
  asked = draw_values(canvas, model, y, width, asked)
  y = y + ROW + GAP
  asked = draw_verbs(canvas, model, y, width, asked)
  y = y + ROW + 12 + GAP + ROW + GAP
  asked = draw_progress(canvas, model, y, width, asked)
  y = y + ROW + GAP
  y = draw_message(canvas, model, y, width)
  return draw_results(canvas, model, y, width, height, asked)
end

return panel
