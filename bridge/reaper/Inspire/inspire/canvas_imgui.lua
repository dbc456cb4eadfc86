-- The panel's canvas on ReaImGui, where it is installed: text is typed in place, the window docks with the others.
local canvas_imgui = {}

local ImGui, context
local canvas = {}
local menu = nil

-- Whether ReaImGui 0.9 or later is there.
function canvas_imgui.is_there()
  if not reaper.ImGui_GetBuiltinPath then
    return false
  end
  package.path = package.path .. ";" .. reaper.ImGui_GetBuiltinPath() .. "/?.lua"
  local fine, loaded = pcall(function()
    return require("imgui")("0.9")
  end)
  ImGui = fine and loaded or nil
  return fine
end

-- A constant of ReaImGui, which is a number or gives one.
local function constant(name)
  local value = ImGui[name]
  return type(value) == "function" and value() or value
end

function canvas.rect(x, y, w, h, rgba)
  ImGui.DrawList_AddRectFilled(canvas.list, canvas.x + x, canvas.y + y, canvas.x + x + w, canvas.y + y + h, rgba, 3)
end

function canvas.measure(text)
  return (ImGui.CalcTextSize(context, text))
end

function canvas.text(x, y, w, h, text, rgba, align)
  local text_w, text_h = ImGui.CalcTextSize(context, text)
  local left = canvas.x + x + (align == "centre" and text_w < w and (w - text_w) / 2 or 0)
  ImGui.DrawList_PushClipRect(canvas.list, canvas.x + x, canvas.y + y, canvas.x + x + w, canvas.y + y + h, true)
  ImGui.DrawList_AddText(canvas.list, left, canvas.y + y + (h - text_h) / 2, rgba, text)
  ImGui.DrawList_PopClipRect(canvas.list)
end

function canvas.area(id, x, y, w, h, why)
  ImGui.SetCursorPos(context, canvas.left + x, canvas.top + y)
  local clicked = ImGui.InvisibleButton(context, "##" .. id, math.max(1, w), math.max(1, h))
  if ImGui.IsItemHovered(context) then
    if why then
      ImGui.SetTooltip(context, why)
    end
    if ImGui.IsMouseDoubleClicked(context, constant("MouseButton_Left")) then
      return "double"
    end
  end
  return clicked and "click" or nil
end

function canvas.field(id, x, y, w, _, text, hint)
  ImGui.SetCursorPos(context, canvas.left + x, canvas.top + y + 2)
  ImGui.SetNextItemWidth(context, w)
  local changed, typed = ImGui.InputTextWithHint(context, "##" .. id, hint, text)
  return changed and typed or nil
end

function canvas_imgui.open(title, width, height)
  context = ImGui.CreateContext(title)
  canvas_imgui.title, canvas_imgui.width, canvas_imgui.height = title, width, height
end

local function draw_menu()
  if not menu then
    return
  end
  if menu.is_new then
    ImGui.OpenPopup(context, "menu")
    menu.is_new = false
  end
  if ImGui.BeginPopup(context, "menu") then
    for index, item in ipairs(menu.items) do
      if ImGui.Selectable(context, item) then
        menu.chosen(index)
      end
    end
    ImGui.EndPopup(context)
  end
end

function canvas_imgui.frame(draw)
  ImGui.SetNextWindowSize(context, canvas_imgui.width, canvas_imgui.height, constant("Cond_FirstUseEver"))
  local visible, open = ImGui.Begin(context, canvas_imgui.title, true, constant("WindowFlags_NoScrollbar"))
  local asked, wheel = nil, 0
  if visible then
    canvas.list = ImGui.GetWindowDrawList(context)
    canvas.x, canvas.y = ImGui.GetCursorScreenPos(context)
    canvas.left, canvas.top = ImGui.GetCursorPos(context)
    local width, height = ImGui.GetContentRegionAvail(context)
    local fine, result = pcall(draw, canvas, width, height)
    draw_menu()
    local turned = ImGui.GetMouseWheel(context)
    wheel = turned > 0 and -1 or turned < 0 and 1 or 0
    ImGui.End(context) -- also after an error: ReaImGui counts
    if not fine then
      error(result, 0)
    end
    asked = result
  end
  return asked, wheel, open
end

-- Shows items to choose from; `chosen` is called with the number of one. Returns nil: the choice comes later.
function canvas_imgui.menu(items, chosen)
  menu = { items = {}, chosen = chosen, is_new = true }
  for item in items:gmatch("[^|]+") do
    menu.items[#menu.items + 1] = item
  end
end

function canvas_imgui.close() end

return canvas_imgui
