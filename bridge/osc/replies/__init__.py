"""What the daemon says: one frozen class a reply, with its fields' types and meanings. These classes are the table of replies."""

from bridge.osc.replies.answers import Ack, BindingInfo, ModelReply, Pong, PresetInfo, Welcome
from bridge.osc.replies.files import others_of, paths_of
from bridge.osc.replies.jobs import Cancelled, Chunk, Done, End, Fail, ProgressReport, Queued, fail
from bridge.osc.replies.lists import Entry, Estimated, Found
from bridge.osc.replies.state import State
from bridge.osc.replies.table import REPLIES, TYPES, Pairs, Reply, decode_reply, encode_reply, message_of, name_of, pairs_of

__all__ = [
    "Ack", "BindingInfo", "Cancelled", "Chunk", "Done", "End", "Entry", "Estimated", "Fail", "Found", "ModelReply",
    "Pairs", "Pong", "PresetInfo", "ProgressReport", "Queued", "REPLIES", "Reply", "State", "TYPES", "Welcome",
    "decode_reply", "encode_reply", "fail", "message_of", "name_of", "others_of", "pairs_of", "paths_of",
]  # fmt: skip
