-- @noindex
-- Generates what the prompt says for the time selection, or at the edit cursor.
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").run_action("generate")
