"""Foreground masks made from the photographs themselves, where none were given."""
