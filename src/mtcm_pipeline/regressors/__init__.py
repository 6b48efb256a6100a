"""Hidden fields of frames predicted from shown frames, without a network."""
