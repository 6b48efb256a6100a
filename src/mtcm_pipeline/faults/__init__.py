"""Faults put into a clean capture by seed, with the truth by frame."""
