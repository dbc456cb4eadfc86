"""InspireMusic generation engine: text and audio in, streamed 48 kHz music out. Works without the bridge."""
