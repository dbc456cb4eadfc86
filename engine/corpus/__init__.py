"""The music that `sketch` learns from: composed, rendered, captioned."""
