-- JSON for the mailbox: lists, objects, text, numbers, true and false. Null is read as nil. Pure Lua, 5.3 and later.
local json = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local UNESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(letter)
    return ESCAPES[letter] or ("\\u%04x"):format(letter:byte())
  end) .. '"'
end

local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then
    error("JSON has no number " .. tostring(value))
  end
  if math.type(value) == "integer" then
    return ("%d"):format(value)
  end
  return (("%.17g"):format(value):gsub(",", ".")) -- some locales have a comma
end

-- A list, text, number or truth as JSON. Raises an error for anything else.
function json.encode(value)
  local kind = type(value)
  if kind == "table" then
    local parts = {}
    for index = 1, #value do
      parts[index] = json.encode(value[index])
    end
    return "[" .. table.concat(parts, ", ") .. "]"
  elseif kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return number(value)
  elseif kind == "boolean" then
    return tostring(value)
  end
  error("JSON has no " .. kind)
end

local read_value

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function read_text(text, at)
  local parts = {}
  local from = at + 1
  while true do
    local stop = text:find('["\\]', from)
    if not stop then
      error("text without an end")
    end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local letter = text:sub(stop + 1, stop + 1)
    if letter == "u" then
      local code = tonumber(text:match("^%x%x%x%x", stop + 2) or error("a bad \\u"), 16)
      from = stop + 6
      local low = code >= 0xD800 and code < 0xDC00 and text:match("^\\u([dD][c-fC-F]%x%x)", from)
      if low then
        code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
        from = from + 6
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = UNESCAPES[letter] or error("a bad escape")
      from = stop + 2
    end
  end
end

local function read_list(text, at)
  local list = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then
    return list, at + 1
  end
  local count = 0
  while true do
    count = count + 1
    list[count], at = read_value(text, at)
    at = skip(text, at)
    local letter = text:sub(at, at)
    if letter == "]" then
      return list, at + 1
    elseif letter ~= "," then
      error("a list without an end")
    end
    at = skip(text, at + 1)
  end
end

local function read_object(text, at)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then
    return object, at + 1
  end
  while true do
    if text:sub(at, at) ~= '"' then
      error("an object's name is text")
    end
    local name
    name, at = read_text(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then
      error("an object's name is followed by a colon")
    end
    object[name], at = read_value(text, skip(text, at + 1))
    at = skip(text, at)
    local letter = text:sub(at, at)
    if letter == "}" then
      return object, at + 1
    elseif letter ~= "," then
      error("an object without an end")
    end
    at = skip(text, at + 1)
  end
end

local WORDS = { ["true"] = true, ["false"] = false }

function read_value(text, at)
  local letter = text:sub(at, at)
  if letter == "[" then
    return read_list(text, at)
  elseif letter == "{" then
    return read_object(text, at)
  elseif letter == '"' then
    return read_text(text, at)
  end
  local word = text:match("^%a+", at)
  if word == "null" then
    return nil, at + 4
  elseif word and WORDS[word] ~= nil then
    return WORDS[word], at + #word
  end
  local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at) or error("no JSON")
  return tonumber(digits) or error("a bad number"), at + #digits
end

-- The value of a whole JSON text, or nil and why it is none.
function json.decode(text)
  local fine, value, at = pcall(read_value, text, skip(text, 1))
  if not fine then
    return nil, tostring(value)
  elseif skip(text, at) <= #text then
    return nil, "something follows the JSON"
  end
  return value
end

return json
