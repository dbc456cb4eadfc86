-- ReaImGui for tests, by its own declarations in reaimgui.json: unknown names, wrong numbers and kinds of arguments are errors, and what
-- is opened must be closed. `mock.ui` says what is clicked and typed.
local json = require("inspire.json")
local mock = require("mock")

local file = assert(io.open(mock.folder .. "/reaimgui.json", "rb"))
local api = assert(json.decode(file:read("a")))
file:close()

local ui = { open = 0, clips = 0, popup = 0, frames = 0, drawn = {}, inputs = {} }
mock.ui = ui

local KINDS = { ["const char*"] = "string", ["char*"] = "string", ["double"] = "number", ["int"] = "integer", ["bool"] = "boolean" }

-- What a caller gives: outputs and sizes of buffers are left out.
local function inputs_of(arguments)
  local inputs, least = {}, 0
  for _, argument in ipairs(arguments) do
    local kind = argument[2]
    if not kind:find("^W") and not kind:find("BS<", 1, true) then
      inputs[#inputs + 1] = { name = argument[1], kind = kind:match("<(.-)%*?>") or kind }
      if not kind:find("^RW?O") then -- pointers that are only read may be left out
        least = #inputs
      end
    end
  end
  return inputs, least
end

local function check(name, inputs, least, ...)
  local count = select("#", ...)
  assert(count >= least and count <= #inputs, ("%s takes %d to %d arguments, not %d"):format(name, least, #inputs, count))
  for index = 1, count do
    local value = select(index, ...)
    local kind = KINDS[inputs[index].kind:gsub("%*$", "")] or KINDS[inputs[index].kind]
    local fine = kind == nil or value == nil and index > least or type(value) == kind
      or kind == "integer" and math.tointeger(value) ~= nil
    assert(fine, ("%s: %s must be %s, not %s"):format(name, inputs[index].name, tostring(kind), tostring(value)))
  end
end

local does = {}
function does.CreateContext() return { kind = "context" } end
function does.Begin() ui.open, ui.drawn, ui.frames = ui.open + 1, {}, ui.frames + 1 return true, not ui.closed end
function does.End() ui.open = ui.open - 1 end
function does.GetWindowDrawList() return { kind = "list" } end
function does.GetCursorScreenPos() return 100, 200 end
function does.GetCursorPos() return 8, 27 end
function does.GetContentRegionAvail() return 460, 420 end
function does.CalcTextSize(_, text) return 7 * utf8.len(text), 14 end
function does.DrawList_AddText(_, _, _, _, text) ui.drawn[#ui.drawn + 1] = text end
function does.DrawList_AddRectFilled() end
function does.DrawList_PushClipRect() ui.clips = ui.clips + 1 end
function does.DrawList_PopClipRect() ui.clips = ui.clips - 1 end
function does.SetCursorPos() end
function does.SetNextItemWidth() end
function does.SetNextWindowSize() end
function does.InvisibleButton(_, label)
  ui.last = label
  return ui.click == label
end
function does.IsItemHovered() return ui.click == ui.last end
function does.IsMouseDoubleClicked() return ui.double == true end
function does.SetTooltip(_, text) ui.tip = text end
function does.InputTextWithHint(_, label, _, text)
  local typed = ui.typed and ui.typed[label]
  return typed ~= nil, typed or text
end
function does.GetMouseWheel() return 0.0, 0.0 end
function does.OpenPopup() ui.is_open = true end
function does.BeginPopup()
  ui.popup = ui.popup + (ui.is_open and 1 or 0)
  return ui.is_open == true
end
function does.EndPopup() ui.popup = ui.popup - 1 end
function does.Selectable(_, label)
  if ui.chosen == label then
    ui.is_open = false
  end
  return ui.chosen == label
end

return function(version)
  assert(version == "0.9")
  return setmetatable({}, {
    __index = function(_, name)
      if api.enums[name] then
        return 1
      end
      local known = assert(api.functions[name], "ReaImGui has no " .. name)
      local inputs, least = inputs_of(known.args)
      local work = assert(does[name], "the mock has no " .. name)
      return function(...)
        check(name, inputs, least, ...)
        return work(...)
      end
    end,
  })
end
