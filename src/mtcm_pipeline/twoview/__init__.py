"""Pairs of photographs: matched features, and whether the given poses explain them."""
