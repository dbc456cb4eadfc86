-- @description Inspire: generate, continue and fill on the time line
-- @author inspire-daw
-- @version 0.2.0
-- @changelog
--   The first version: panel, actions, results as takes.
-- @about
--   # Inspire
--   Music from the daemon `inspire`, placed on its beat. Needs the daemon; ReaImGui and SWS are used where they are installed.
-- @provides
--   [nomain] inspire/*.lua
--   [main] Inspire - *.lua
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").open_panel()
