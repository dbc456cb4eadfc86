"""Does a server speak the OSC interface of the README? `python -m tests.conformance HOST PORT` tells."""
