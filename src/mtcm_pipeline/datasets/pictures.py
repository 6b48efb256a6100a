"""A versioned folder whose pictures Kedro-Viz can show."""

from __future__ import annotations

import base64
import io

from PIL import Image

from mtcm_pipeline.datasets.folder import FolderDataset
from mtcm_pipeline.datasets.previews import ImagePreview

_WIDE_PX, _MOST_PICTURES, _GAP_PX = 1000, 6, 16
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


class PictureFolderDataset(FolderDataset):
    """A `FolderDataset` with pictures in it; the last ones by name are previewed."""

    def preview(self) -> ImagePreview:  # type: ignore[override]
        """The pictures below each other; an empty one where there are none."""
        contents = self.load()
        names = [name for name in contents if name.lower().endswith(_PICTURES)]
        pictures = [
            _narrowed(Image.open(io.BytesIO(contents[name]())))
            for name in names[-_MOST_PICTURES:]
        ]
        height = sum(picture.height + _GAP_PX for picture in pictures) or 1
        page = Image.new("RGB", (_WIDE_PX, height), "white")
        top = 0
        for picture in pictures:
            page.paste(picture, (0, top))
            top += picture.height + _GAP_PX
        buffer = io.BytesIO()
        page.save(buffer, format="PNG", optimize=True)
        return ImagePreview(base64.b64encode(buffer.getvalue()).decode("ascii"))


def _narrowed(picture: Image.Image) -> Image.Image:
    """The picture in RGB, shrunk to the page's width where it is wider."""
    opaque = picture.convert("RGB")
    if opaque.width <= _WIDE_PX:
        return opaque
    return opaque.resize((_WIDE_PX, max(1, opaque.height * _WIDE_PX // opaque.width)))
