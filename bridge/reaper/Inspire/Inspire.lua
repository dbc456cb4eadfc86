-- @description Inspire: generate, continue, fill and arrange on the time line
-- @author inspire-daw
-- @version 0.3.0
-- @changelog
--   Arrange: the project's regions as one piece. Results are heard from REAPER's next bar on. Takes, seed and preset for Fill.
-- @about
--   # Inspire
--   Music from the daemon `inspire`, placed on its beat. Needs the daemon; ReaImGui and SWS are used where they are installed.
-- @provides
--   [nomain] inspire/*.lua
--   [main] Inspire - *.lua
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").open_panel()
