"""Consistency: which frames do not belong, and why."""
