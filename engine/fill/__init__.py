"""A part of a clip made anew, so that it leads from what is before it to what follows."""
