"""The OSC interface: one table, its parser, its servers and its client."""
