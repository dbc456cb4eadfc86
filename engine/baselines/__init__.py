"""Other published models behind the engine's contract, to compare with: MusicGen. Each brings its own network and codec."""
