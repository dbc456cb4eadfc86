"""Jobs: run, queued, written down."""
