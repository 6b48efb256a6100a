"""Sectors and poses that no view covers, and what a view there would gain."""
