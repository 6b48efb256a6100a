"""Hidden fields of frames predicted without a network."""
