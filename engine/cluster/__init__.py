"""The engine on another machine: served by Ray Serve there, reached over HTTP from the daemon here."""
