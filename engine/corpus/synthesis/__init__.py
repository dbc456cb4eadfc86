"""Electronic styles as records of them are made: drum machines, synthesisers, a mix in stereo."""
