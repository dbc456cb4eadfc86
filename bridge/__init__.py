"""The daemon between the DAW and the engine: OSC in, music out to disk and loudspeaker. Knows of the engine its contract only."""
