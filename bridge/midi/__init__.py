"""MIDI in: notes and controls that ask for music, the clock, MIDI files as clips."""

# Names of inputs that no driver has: a port of our own, and a TCP socket that speaks MIDI (what mido calls a socket port).
MIDI_VIRTUAL, MIDI_SOCKET = "virtual", "socket:"
