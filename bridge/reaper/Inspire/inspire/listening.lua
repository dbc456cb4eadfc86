-- A take played through REAPER's own preview, with the SWS extension.
local state = require("inspire.state")

local listening = {}

function listening.stop()
  if state.preview then
    reaper.CF_Preview_Stop(state.preview)
    reaper.PCM_Source_Destroy(state.preview_source)
  end
  state.preview, state.preview_source, state.model.listening = nil, nil, nil
end

-- A second time: it ends.
function listening.toggle(take)
  local was = state.model.listening
  listening.stop()
  if was == take then
    return
  elseif not reaper.CF_CreatePreview then
    state.show("To listen from here, install the SWS extension; double-click uses the take")
    return
  end
  local source = reaper.PCM_Source_CreateFromFile(take.path)
  if source then
    local preview = reaper.CF_CreatePreview(source)
    reaper.CF_Preview_Play(preview)
    state.preview, state.preview_source, state.model.listening = preview, source, take
  else
    state.show("REAPER cannot read " .. take.path)
  end
end

return listening
