"""Structure from motion: camera poses from the photographs alone."""
