"""numpy arrays: one (`.npy`) or several by name (`.npz`). Nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from mtcm_pipeline.datasets.previews import TablePreview, table
from mtcm_pipeline.datasets.versioned import VersionedFileDataset
from mtcm_pipeline.formats.npy import npy_bytes

_PREVIEW_ROWS, _PREVIEW_COLUMNS = 20, 12


class NpyDataset(VersionedFileDataset):
    """One array without Python objects in it."""

    def _encode(self, data: Any) -> bytes:
        return npy_bytes(np.asarray(data))

    def _decode(self, content: bytes) -> np.ndarray:
        try:
            return np.load(io.BytesIO(content), allow_pickle=False)
        except EOFError as error:
            raise ValueError(str(error)) from error

    def preview(self) -> TablePreview:
        """The upper left corner of the array."""
        array = np.atleast_2d(self.load())
        flat = array.reshape(len(array), math.prod(array.shape[1:]))
        corner = flat[:_PREVIEW_ROWS, :_PREVIEW_COLUMNS]
        return table([str(i) for i in range(corner.shape[1])], corner.tolist())


class NpzDataset(VersionedFileDataset):
    """A mapping from names to arrays; texts as unicode arrays, compressed."""

    def _encode(self, data: Mapping[str, Any]) -> bytes:
        arrays = {name: np.asarray(value) for name, value in data.items()}
        objects = [name for name, array in arrays.items() if array.dtype.hasobject]
        if objects:
            raise ValueError(
                f"arrays {objects} hold Python objects, which are not saved: use "
                f"numbers, or texts with dtype=str"
            )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return buffer.getvalue()

    def _decode(self, content: bytes) -> dict[str, np.ndarray]:
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (zipfile.BadZipFile, EOFError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error

    def preview(self) -> TablePreview:
        """Name, shape and type of each array."""
        rows = [
            [name, str(array.shape), str(array.dtype)]
            for name, array in self.load().items()
        ]
        return table(["array", "shape", "type"], rows)
