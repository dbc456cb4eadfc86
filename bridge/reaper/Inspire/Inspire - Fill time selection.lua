-- @noindex
-- Fills the time selection inside the selected item.
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").run_action("fill")
