"""Faults put into a clean capture on purpose, with the truth by frame."""
