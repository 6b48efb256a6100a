"""Gaussian splatting on the CPU: render, fit, compare."""
