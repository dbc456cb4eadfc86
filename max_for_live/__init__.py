"""The Max for Live device, built from readable sources: `python -m max_for_live.build`."""
