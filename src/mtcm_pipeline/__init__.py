"""mtcm-pipeline: from a pile of photographs to the views that a trainer should get."""

__version__ = "0.1.0"
