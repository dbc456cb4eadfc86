"""Model directories: found, verified, read."""
