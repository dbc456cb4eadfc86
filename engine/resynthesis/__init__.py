"""A clip through a model's codecs, without its language model: reconstructed, or with super resolution."""
