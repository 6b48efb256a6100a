"""A content store in memory: what tests give to code that keeps things by content."""


class MemoryStore(dict):
    """Bytes by key."""

    read = dict.get
    write = dict.__setitem__
