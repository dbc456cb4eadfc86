-- What the panel is set to: kept in REAPER's ExtState, changed by its parts.
local protocol = require("inspire.protocol")
local state = require("inspire.state")

local settings = {}

local MOST_BARS = 64
local USUAL = { prompt = "", preset = "", bars = "8", takes = "1", play = "1", key = "" } -- as text

-- As they were left, those out of range moved into it.
function settings.load()
  local loaded = {}
  for name, usual in pairs(USUAL) do
    loaded[name] = reaper.HasExtState(state.SECTION, name) and reaper.GetExtState(state.SECTION, name) or usual
  end
  loaded.bars = math.max(1, math.min(MOST_BARS, math.floor(tonumber(loaded.bars) or 8)))
  loaded.takes = math.max(1, math.min(protocol.MOST_TAKES, math.floor(tonumber(loaded.takes) or 1)))
  loaded.play = loaded.play == "1"
  loaded.seed = math.tointeger(tonumber(reaper.GetExtState(state.SECTION, "seed")))
  return loaded
end

local function keep(name)
  local value = state.settings[name]
  if type(value) == "boolean" then
    value = value and 1 or 0
  end
  reaper.SetExtState(state.SECTION, name, value == nil and "" or tostring(value), true)
end

function settings.write_prompt(text)
  state.settings.prompt = text
  keep("prompt")
end

function settings.step_bars(step)
  state.settings.bars = math.max(1, math.min(MOST_BARS, state.settings.bars + step))
  keep("bars")
end

function settings.step_takes(step)
  state.settings.takes = math.max(1, math.min(protocol.MOST_TAKES, state.settings.takes + step))
  keep("takes")
end

function settings.toggle_play()
  state.settings.play = not state.settings.play
  keep("play")
end

function settings.ask_seed()
  local fine, typed = reaper.GetUserInputs("Inspire", 1, "Seed (empty: free)", tostring(state.settings.seed or ""))
  local seed = fine and math.tointeger(tonumber(typed))
  if fine and (typed == "" or seed and seed >= 0 and seed <= 2147483647) then
    state.settings.seed = seed or nil
    keep("seed")
  elseif fine then
    state.show("A seed is a whole number from 0 to 2147483647, or nothing")
  end
end

function settings.choose_preset()
  local names = { "No preset" }
  for _, preset in ipairs(state.session.presets) do
    names[#names + 1] = preset
  end
  local function chosen(number)
    if number > 0 then
      state.settings.preset = number > 1 and names[number] or ""
      keep("preset")
    end
  end
  local number = state.canvas.menu(table.concat(names, "|"), chosen)
  if number then
    chosen(number)
  end
end

return settings
