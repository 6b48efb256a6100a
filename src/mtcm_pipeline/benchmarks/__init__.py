"""Measurements that are run by hand and written to tables."""
