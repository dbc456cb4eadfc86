"""A request in the language model's terms: words, musical time, tensors."""
