-- @noindex
-- Continues each selected audio item where it ends.
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").run_action("continue")
