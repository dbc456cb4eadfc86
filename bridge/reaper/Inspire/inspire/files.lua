-- What touches the disk, on REAPER's behalf.
local files = {}

local WINDOWS = package.config:sub(1, 1) == "\\"

function files.make(folder)
  reaper.RecursiveCreateDirectory(folder, 0)
end

-- True, or nil and why it cannot be written.
function files.write(name, content)
  local file, why = io.open(name, "wb")
  if not file then
    return nil, why
  end
  local fine, problem = file:write(content)
  local closed = file:close()
  if not fine or not closed then
    return nil, problem or "the disk is full"
  end
  return true
end

function files.rename(from, to)
  if WINDOWS then
    os.remove(to) -- where a file is there already, renaming fails
  end
  return os.rename(from, to)
end

-- What a file holds from byte `from` on, or nil where there is none.
function files.read(name, from)
  local file = io.open(name, "rb")
  if not file then
    return nil
  end
  file:seek("set", from)
  local content = file:read("a")
  file:close()
  return content
end

function files.remove(name)
  os.remove(name)
end

-- 16 hexadecimal digits that nobody else has.
function files.unique()
  return (reaper.genGuid():gsub("%X", ""):sub(1, 16):lower())
end

-- A copy of a file, byte for byte, in `folder`; what is there keeps its name. Nil and why, where it cannot be made.
function files.copy_into(folder, name)
  local content = files.read(name, 0)
  if not content then
    return nil, "cannot read " .. name
  end
  files.make(folder)
  local base, ending = name:match("([^/\\]+)(%.[^./\\]+)$")
  local copy, number = folder .. "/" .. base .. ending, 1
  while reaper.file_exists(copy) do
    if files.read(copy, 0) == content then
      return copy
    end
    number = number + 1
    copy = ("%s/%s-%d%s"):format(folder, base, number, ending)
  end
  local fine, why = files.write(copy .. ".part", content)
  if fine then
    fine, why = os.rename(copy .. ".part", copy)
  end
  return fine and copy or nil, why
end

-- Where the daemon of this user has its mailbox, unless the user says another.
function files.mailbox()
  local chosen = reaper.GetExtState("inspire", "mailbox")
  if chosen ~= "" then
    return chosen
  end
  local named = os.getenv("INSPIRE_MAILBOX")
  if named and named ~= "default" and named ~= "none" then
    return named
  end
  local state = os.getenv("INSPIRE_STATE_FOLDER")
  if not state then
    local home = os.getenv("HOME") or ""
    local system = reaper.GetOS()
    if system:find("^Win") then
      state = (os.getenv("LOCALAPPDATA") or "") .. "\\inspire"
    elseif system:find("^OSX") or system:find("^macOS") then
      state = home .. "/Library/Application Support/inspire"
    else
      local base = os.getenv("XDG_STATE_HOME")
      state = (base and base ~= "" and base or home .. "/.local/state") .. "/inspire"
    end
  end
  return state .. "/mailbox"
end

return files
