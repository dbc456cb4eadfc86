-- What the parts of panel and actions share: settings, session, mailbox and model; asking the daemon, and showing a message.
local state = {}

state.SECTION = "inspire" -- of REAPER's ExtState

-- Shown in the panel until something else is begun.
function state.show(message)
  state.session.message = message
end

-- Asks the daemon: `on_reply` is called with every reply. Returns the request's id, or nil where it could not be written.
function state.ask(message, on_reply, id)
  local asked, why = state.mailbox:ask(message, on_reply or function() end, reaper.time_precise(), id)
  if not asked then
    state.show("Cannot write to the mailbox: " .. tostring(why))
  end
  return asked
end

return state
