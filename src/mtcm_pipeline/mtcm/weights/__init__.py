"""Pretrained weights and their cards, as files of the package."""
