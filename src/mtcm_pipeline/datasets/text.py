"""Text and HTML pages, UTF-8."""

from __future__ import annotations

import json

from mtcm_pipeline.datasets.previews import HTMLPreview, JSONPreview
from mtcm_pipeline.datasets.versioned import VersionedFileDataset

_PREVIEW_CHARACTERS = 2000


class _Utf8Dataset(VersionedFileDataset):
    def _encode(self, data: str) -> bytes:
        if not isinstance(data, str):
            raise TypeError(f"expected text to save, got {type(data).__name__}")
        return data.encode("utf-8")

    def _decode(self, content: bytes) -> str:
        return content.decode("utf-8")


class TextDataset(_Utf8Dataset):
    """`str` in a UTF-8 file, line ends as given."""

    def preview(self) -> JSONPreview:
        """The first lines, as a JSON list."""
        lines = self.load()[:_PREVIEW_CHARACTERS].splitlines()
        return JSONPreview(json.dumps(lines, ensure_ascii=False))


class HTMLDataset(_Utf8Dataset):
    """A page as `str`; Kedro-Viz shows it in its panel."""

    def preview(self) -> HTMLPreview:
        """The whole page."""
        return HTMLPreview(self.load())
