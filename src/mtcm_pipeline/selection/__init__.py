"""Choosing the best K views of a capture."""
