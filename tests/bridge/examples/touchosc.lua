-- Stands in for TouchOSC, for `lua touchosc.lua SCRIPT`: lines come in, what is sent goes out with tabs between, tag before value.
self = {
  children = {
    prompt = { values = { text = "slow" } }, bars = { values = { x = 0.2 } }, state = { values = { text = "" } },
  },
}

function getMillis()
  return 1234.5
end

function sendOSC(message)
  assert(#message == 2 and type(message[1]) == "string")
  local parts = { message[1] }
  for index, argument in ipairs(message[2]) do
    local value, tag = argument.value, argument.tag
    if tag == "i" then
      assert(math.type(value) == "integer", "an i that is none")
    elseif tag == "f" then
      assert(type(value) == "number")
    else
      assert(tag == "s" and type(value) == "string", "an s that is none")
    end
    parts[index + 1] = tag .. tostring(value)
  end
  print(table.concat(parts, "\t"))
end

dofile(arg[1])
io.stdout:setvbuf("line")
for line in io.lines() do
  if line == "label" then
    print(self.children.state.values.text)
  elseif line:find("^touch ") then
    onReceiveNotify(line:sub(7))
  else
    local arguments = {}
    for value in line:gmatch("[^\t]+") do
      local tag, text = value:sub(1, 1), value:sub(2)
      arguments[#arguments + 1] = { tag = tag, value = tag == "s" and text or tonumber(text) }
    end
    table.remove(arguments, 1)
    local address = table.remove(arguments, 1).value
    onReceiveOSC({ address, arguments })
  end
end
