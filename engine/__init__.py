"""InspireMusic generation engine: text and audio in, streamed 48 kHz music out. Works without the bridge."""

import os

# Before torch loads its OpenMP runtime: threads that wait must sleep. By default they spin, and beside a DAW that keeps the
# cores busy a two-thread step then takes up to twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before either is imported: unless told otherwise, ONNX Runtime keeps an id for this machine and reports to its makers, and so
# does Ray.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
