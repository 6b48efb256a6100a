"""A selection as files that trainers open, and the checks that they read back right."""
