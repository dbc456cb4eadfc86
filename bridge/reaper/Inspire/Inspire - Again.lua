-- @noindex
-- Makes the latest result once more with another seed.
local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = folder .. "?.lua;" .. package.path
require("inspire.app").run_action("again")
