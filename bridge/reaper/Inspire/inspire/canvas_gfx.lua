-- The panel's canvas on REAPER's own gfx window: always there, nothing to install.
local canvas_gfx = {}

local canvas = { fields = {} }
local DOUBLE_S = 0.4

local function colour(rgba)
  gfx.set((rgba >> 24 & 255) / 255, (rgba >> 16 & 255) / 255, (rgba >> 8 & 255) / 255, (rgba & 255) / 255)
end

function canvas.rect(x, y, w, h, rgba)
  colour(rgba)
  gfx.rect(math.floor(x), math.floor(y), math.ceil(w), math.ceil(h), 1)
end

function canvas.measure(text)
  return (gfx.measurestr(text))
end

-- `text` as far as there is room, with "…" for the rest.
local function fitted(text, w)
  if gfx.measurestr(text) <= w then
    return text
  end
  local ends = {}
  for at in utf8.codes(text, true) do
    ends[#ends + 1] = at - 1
  end
  local low, high = 1, #ends
  while low < high do -- the longest beginning that fits
    local middle = (low + high + 1) // 2
    if gfx.measurestr(text:sub(1, ends[middle]) .. "…") <= w then
      low = middle
    else
      high = middle - 1
    end
  end
  return text:sub(1, ends[low]) .. "…"
end

function canvas.text(x, y, w, h, text, rgba, align)
  colour(rgba)
  gfx.x, gfx.y = math.floor(x), math.floor(y)
  local flags = (align == "centre" and 1 or 0) + 4
  gfx.drawstr(fitted(text, w), flags, math.floor(x + w), math.floor(y + h))
end

-- "click" or "double" where the mouse was pressed inside; `why` is shown while it is over it.
function canvas.area(id, x, y, w, h, why)
  local over = gfx.mouse_x >= x and gfx.mouse_x < x + w and gfx.mouse_y >= y and gfx.mouse_y < y + h
  if not over then
    return nil
  end
  canvas.hint = why or canvas.hint
  if not canvas.pressed then
    return nil
  end
  local now = reaper.time_precise()
  local is_double = canvas.last == id and now - canvas.last_at < DOUBLE_S
  canvas.last, canvas.last_at = id, is_double and 0 or now
  return is_double and "double" or "click"
end

-- A field of text: a click opens a box to type in. Returns its new text.
function canvas.field(id, x, y, w, h, text, hint)
  canvas.rect(x, y, w, h, 0x17181BFF)
  canvas.text(x + 6, y, w - 12, h, text == "" and hint or text, text == "" and 0x5E636CFF or 0xE8E8E8FF, "left")
  if canvas.area(id, x, y, w, h) then
    local fine, typed = reaper.GetUserInputs("Inspire", 1, hint:match("^[^:,]+") .. ",extrawidth=240,separator=\n", text)
    return fine and typed or nil
  end
  return nil
end

function canvas_gfx.open(title, width, height)
  local dock = tonumber(reaper.GetExtState("inspire", "dock")) or 0
  gfx.init(title, width, height, dock)
  gfx.setfont(1, "Arial", 14)
  canvas.down = 0
end

-- Draws one picture of the window. Returns what `draw(canvas, width, height)` returns, the wheel's steps and whether it is still open.
function canvas_gfx.frame(draw)
  local key = gfx.getchar()
  if key < 0 then
    return nil, 0, false
  end
  local is_down = gfx.mouse_cap & 1
  canvas.pressed = is_down == 1 and canvas.down == 0
  canvas.down = is_down
  canvas.hint = nil
  local wheel = gfx.mouse_wheel
  gfx.mouse_wheel = 0
  local asked = draw(canvas, gfx.w, gfx.h)
  if canvas.hint then
    canvas.rect(0, gfx.h - 20, gfx.w, 20, 0x17181BFF)
    canvas.text(10, gfx.h - 20, gfx.w - 20, 20, canvas.hint, 0xE0B23DFF, "left")
  end
  gfx.update()
  return asked, wheel > 0 and -1 or wheel < 0 and 1 or 0, true
end

-- A menu at the mouse: its items by "|". Returns the number chosen, from 1, or 0.
function canvas_gfx.menu(items)
  gfx.x, gfx.y = gfx.mouse_x, gfx.mouse_y
  return gfx.showmenu(items)
end

function canvas_gfx.close()
  reaper.SetExtState("inspire", "dock", tostring(math.floor(gfx.dock(-1))), true)
  gfx.quit()
end

return canvas_gfx
