"""Many identities: one run each in a process of its own, here or on a Dask cluster."""
