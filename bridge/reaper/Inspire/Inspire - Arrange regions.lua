-- @noindex
-- Makes a whole piece of the project's regions, on from the selected item where that ends in them.
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").run_action("arrange")
