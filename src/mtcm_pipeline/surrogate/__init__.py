"""Expected reconstruction quality of a selection, from geometry alone."""
