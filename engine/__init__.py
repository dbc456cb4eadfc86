"""InspireMusic generation engine: text and audio in, streamed 48 kHz music out. Works without the bridge."""

import os

# Before torch loads its OpenMP runtime: threads that wait must sleep. By default they spin, and beside a DAW that keeps the
# cores busy a two-thread step then takes up to twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
