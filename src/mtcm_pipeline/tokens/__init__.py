"""Tokens: one vector of 394 numbers a frame, and the gauge that poses live in."""
