"""Image encoders: a photograph in, 384 numbers out. Importing this loads no torch."""
