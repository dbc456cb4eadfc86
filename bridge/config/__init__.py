"""Settings, presets and the state file: what people write down and what the daemon publishes for its clients."""
