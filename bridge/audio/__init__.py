"""The audio device, in a process of its own."""
