"""Values that several nouns' commands have."""

from __future__ import annotations

from typing import Annotated

from bridge.osc.fields import Meta

JOB_EVENTS = ("ack", "queued", "progress", "chunk", "done", "fail", "cancelled")  # what a command answers that makes a job
JobId = Annotated[str, Meta("the id of a generate, continue or again", 1, 100)]
Play = Annotated[bool, Meta("1: played on the audio device while it is generated; when not given 0, from the command line 1")]
ResultName = Annotated[str, Meta("file name of the result, inside the output folder", 1, 200)]
