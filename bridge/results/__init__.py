"""What a job leaves on disk: audio, MIDI, sidecar."""
