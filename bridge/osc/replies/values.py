"""Values that several replies have."""

from __future__ import annotations

from typing import Annotated

from bridge.osc.fields import Meta

Path = Annotated[str, Meta("the file; empty when there is no audio")]
Others = Annotated[str, Meta("names of the other variations' files beside path, '/' between")]
Duration = Annotated[float, Meta("seconds of audio in the file")]
Index = Annotated[int, Meta("counts from 0")]
Count = Annotated[int, Meta("how many there are in this answer")]
Version = Annotated[str, Meta("the daemon's version")]
Shortened = Annotated[int, Meta("1: something in it was cut or left out, to fit your max_datagram", 0, 1)]
Protocol = Annotated[int, Meta("the protocol it speaks")]
DoneS = Annotated[float, Meta("seconds of new audio generated")]
TotalS = Annotated[float, Meta("seconds of new audio asked for")]
Seed = Annotated[int, Meta("the seed used")]
Rtf = Annotated[float, Meta("seconds of work for a second of audio")]
Underruns = Annotated[int, Meta("gaps played on the audio device")]
Paused = Annotated[int, Meta("1: none begins until resume")]
Position = Annotated[int, Meta("jobs ahead of it")]
