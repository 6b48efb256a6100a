"""Photographs as pinhole views, and the points of the scene that they show."""
