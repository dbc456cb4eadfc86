"""Does a server speak the OSC interface in bridge/osc/README.md? `python -m tests.conformance HOST PORT` tells."""
