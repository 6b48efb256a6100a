"""mtcm-pipeline: from a pile of photographs to the views that a trainer should get."""

# Pillow's native part (a millisecond) before pycolmap, whoever imports it: loaded after
# pycolmap, Pillow corrupts the heap and aborts the process when it writes a PNG
# (pycolmap 4.2, Pillow 12, on Linux).
import PIL._imaging  # noqa: F401

__version__ = "0.1.0"
