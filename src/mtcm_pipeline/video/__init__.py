"""Videos: the sharpest frame of every moment, as pictures with their times."""
