"""The four InspireMusic networks, one file each."""
