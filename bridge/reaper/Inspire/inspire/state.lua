-- What the panel's or an action's parts share: settings, session, mailbox and model, and how each of them asks and tells.
local state = {}

state.SECTION = "inspire" -- of REAPER's ExtState

-- Shown in the panel until something else is begun.
function state.tell(message)
  state.session.message = message
end

-- Asks the daemon: `heard` is called with every reply. Returns the request's id, or nil where it could not be written.
function state.ask(message, heard, id)
  local asked, why = state.mailbox:ask(message, heard or function() end, reaper.time_precise(), id)
  if not asked then
    state.tell("Cannot write to the mailbox: " .. tostring(why))
  end
  return asked
end

return state
