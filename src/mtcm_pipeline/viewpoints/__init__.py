"""Where each frame was taken from: angles, words for them, and how varied a set is."""
