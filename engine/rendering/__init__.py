"""From tokens to joined chunks of audio: windows, levels, measurement."""
