"""Musical time and joins: numpy in, numpy out."""
