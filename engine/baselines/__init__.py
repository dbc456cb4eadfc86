"""Other published models behind the engine's contract, to compare with: MusicGen and Stable Audio Open."""
