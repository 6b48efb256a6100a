"""Which selections reconstruct best: plans, splits, filters, statistics."""
