"""A radiance field: Gaussian splatting on the CPU, fitted to views and compared."""
