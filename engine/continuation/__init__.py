"""Clips that go on: read, encoded, remembered."""
