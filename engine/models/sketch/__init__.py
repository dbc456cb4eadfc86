"""What only the embedded model has: codecs of tones and noise. The released models are read and played without any of this."""
