-- What the buttons say and what they ask the daemon for. Pure: tables in, tables out.
local protocol = require("inspire.protocol")

local requests = {}

local CONTEXT_S = 30.0
local LEAST_S, MOST_S = 0.5, protocol.LONGEST_S

local function add(message, name, value)
  if value ~= nil and value ~= "" then
    message[#message + 1] = name
    message[#message + 1] = value
  end
end

-- What is common to all that make music. `place` has bpm, beats and maybe section.
local function add_music(message, settings, place, knows_tempo)
  if knows_tempo then
    add(message, "bpm", place.bpm)
    add(message, "beats_per_bar", place.beats)
    add(message, "beat_unit", place.unit ~= 4 and place.unit or nil)
  end
  add(message, "section", place.section)
  add(message, "preset", settings.preset)
  add(message, "key", settings.key)
  add(message, "seed", settings.seed)
  if settings.takes > 1 then
    add(message, "variations", settings.takes)
  end
  if settings.play then
    add(message, "play", 1)
    add(message, "start", settings.plays and "bar" or nil)
  end
end

local function is_tempo(place)
  return place.bpm >= 20 and place.bpm <= 400 and place.beats <= 16 and place.beats * 4 / place.unit <= 16
    and (place.unit == 2 or place.unit == 4 or place.unit == 8 or place.unit == 16)
end

-- Of a bar.
local function quarters(place)
  return place.beats * 4 / place.unit
end

local function count(number, noun)
  return number == 1 and "1 " .. noun or ("%d %ss"):format(number, noun)
end

-- From where in a clip it goes on, and how much of it the model reads. A wave that was written of an item is read to its end.
local function add_clip(message, item)
  add(message, "join", "new")
  if item.plain then
    add(message, "from_s", item.offset + item.length)
    add(message, "context_s", math.max(1, math.min(CONTEXT_S, item.length)))
  end
end

-- The item that the time selection lies in, and has audio before it.
local function around(context)
  for _, item in ipairs(context.has_time and context.items or {}) do
    if item.position < context.from - 0.01 and item.position + item.length >= context.to - 0.001 then
      return item
    end
  end
  return nil
end

-- "Arrange 40 bars: Intro 8, Verse 16, Drop 16"
local function arrange_button(context, words, can)
  local plan = context.plan
  local button = { name = "arrange", label = "Arrange regions", enabled = false, why = context.no_plan }
  if not plan then
    return button
  end
  button.label = ("Arrange %s%s: %s"):format(count(plan.bars, "bar"), plan.item and " after the item" or "", table.concat(plan.names, ", "))
  button.enabled = can.arrange ~= false
  button.why = "This daemon cannot arrange yet"
  if not words and not plan.item and not plan.all_say_it then
    button.enabled, button.why = false, "Write what to play, or choose a preset"
  elseif plan.to - plan.from > MOST_S then
    button.enabled, button.why = false, ("A piece lasts at most %d s: select a part of the regions"):format(MOST_S)
  elseif not is_tempo(plan) then
    button.enabled, button.why = false, "The daemon takes 20 to 400 bpm and bars of at most 16 beats"
  end
  return button
end

-- The verbs for what is selected: {name, label, enabled, why}. `can` says which commands the daemon has.
function requests.buttons(context, settings, can)
  local words = settings.prompt ~= "" or settings.preset ~= ""
  local length_s = context.has_time and context.to - context.from or nil
  local generate = { name = "generate", enabled = words, why = "Write what to play, or choose a preset" }
  if not context.has_time then
    generate.label = "Generate " .. count(settings.bars, "bar")
  elseif context.bars then
    generate.label = "Generate " .. count(context.bars, "bar")
  else
    generate.label = ("Generate %.1f s"):format(length_s)
  end
  if length_s and (length_s < LEAST_S or length_s > MOST_S) then
    generate.enabled, generate.why = false, ("The time selection must last %.1f to %d s"):format(LEAST_S, MOST_S)
  end
  local items = #context.items
  local continue = { name = "continue", label = "Continue " .. count(items, "item"), enabled = items > 0 }
  continue.why = context.midi > 0 and "Select an audio item: a MIDI item has no sound yet" or "Select an audio item"
  local inside = around(context)
  local fill = { name = "fill", label = "Fill " .. context.label, enabled = inside ~= nil and can.fill == true }
  if not context.has_time then
    fill.label = "Fill"
  end
  fill.why = can.fill == false and "This daemon cannot fill yet"
    or "Select an audio item and a time range inside it, with music before it"
  return { generate, continue, fill, arrange_button(context, words, can) }
end

local function make_arrange(context, settings)
  local plan = context.plan
  local message = { "/inspire/arrange", plan.text }
  if plan.item then
    add(message, "clip", plan.item.file)
    add_clip(message, plan.item)
  end
  add(message, "prompt", settings.prompt)
  add_music(message, settings, { bpm = plan.bpm, beats = plan.beats, unit = plan.unit }, true)
  local item = plan.item
  return {
    verb = "arrange", label = plan.label, message = message, item = item, bpm = plan.bpm, quarters = plan.beats * 4 / plan.unit,
    target = {
      project = context.project, track = item and item.track or context.track, position = plan.from, length = plan.to - plan.from,
      source = item and item.item, source_position = item and item.position,
    },
  }
end

-- The requests of a verb: each {verb, label, message, target}; `message` of a continue or fill still needs its clip, the second value,
-- which `item` describes. Empty where the verb's button is grey.
function requests.make(verb, context, settings, can)
  local made = {}
  for _, button in ipairs(requests.buttons(context, settings, can)) do
    if button.name == verb and not button.enabled then
      return made, button.why
    end
  end
  if verb == "generate" then
    local message = { "/inspire/generate", settings.prompt }
    local bars = not context.has_time and settings.bars or context.bars
    local knows = is_tempo(context)
    if bars and knows then
      add(message, "bars", bars)
    else
      add(message, "duration_s", context.has_time and context.to - context.from or 10)
    end
    add_music(message, settings, context, knows)
    local length = context.has_time and context.to - context.from or nil
    made[1] = {
      verb = verb, label = context.label, message = message, bpm = context.bpm, quarters = quarters(context),
      target = { project = context.project, track = context.track, position = context.at, length = length },
    }
  elseif verb == "continue" then
    for _, item in ipairs(context.items) do
      local message = { "/inspire/continue", item.file }
      local knows = is_tempo(item)
      if knows then
        add(message, "bars", settings.bars)
      else
        add(message, "duration_s", 10)
      end
      add_clip(message, item)
      add(message, "prompt", settings.prompt)
      add_music(message, settings, item, knows)
      made[#made + 1] = {
        verb = verb, label = item.label, message = message, item = item, bpm = item.bpm, quarters = quarters(item),
        target = {
          project = item.project, track = item.track, position = item.position + item.length,
          source = item.item, source_position = item.position,
        },
      }
    end
  elseif verb == "fill" then
    local item = around(context)
    local from, to = context.from - item.position, context.to - item.position
    local start = item.plain and item.offset or 0
    local message = { "/inspire/fill", item.file, start + from, start + to }
    add(message, "prompt", settings.prompt)
    add_music(message, settings, context, is_tempo(context))
    made[1] = {
      verb = verb, label = context.label, message = message, item = item, bpm = context.bpm, quarters = quarters(context),
      target = {
        project = item.project, track = item.track, position = context.from, length = context.to - context.from,
        source = item.item, source_position = item.position,
      },
    }
  elseif verb == "arrange" then
    made[1] = make_arrange(context, settings)
  end
  return made
end

-- What asks how long the generate that would be asked for now takes; nil where there is none.
function requests.estimate(context, settings, can)
  local made = requests.make("generate", context, settings, can)
  if #made == 0 then
    return nil
  end
  local asked = { "/inspire/estimate", "prompt", made[1].message[2] == "" and " " or made[1].message[2] }
  return table.move(made[1].message, 3, #made[1].message, #asked + 1, asked)
end

-- With an item as it sounds in place of its file: a wave of its last `seconds`.
function requests.with_wave(request, file, seconds)
  local message = request.message
  for index = 2, #message do
    if message[index] == request.item.file and (index == 2 or message[index - 1] == "clip") then
      message[index] = file
      break
    end
  end
  if request.verb == "fill" then
    local cut = request.item.length - seconds
    message[3], message[4] = message[3] - cut, message[4] - cut
  end
  return request
end

return requests
