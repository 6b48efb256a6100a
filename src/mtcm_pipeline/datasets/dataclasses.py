"""The library's frozen dataclasses as versioned files: arrays as npz, plain as JSON."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from kedro.io.core import Version

from mtcm_pipeline.datasets.arrays import NpzDataset
from mtcm_pipeline.datasets.previews import JSONPreview, TablePreview, table
from mtcm_pipeline.datasets.versioned import VersionedFileDataset
from mtcm_pipeline.datasets.weights import Weights, WeightsDataset
from mtcm_pipeline.errors import FileContentError, MtcmError


class DataclassArraysDataset(NpzDataset):
    """A dataclass of arrays <-> `.npz`, one array a field.

    Tuples of texts become unicode arrays and come back as tuples; nothing is pickled.
    A list of such dataclasses is saved with the item's number before each name.

    Args:
        of: dotted path of the dataclass.
        many: whether values are lists of it.
    """

    def __init__(
        self,
        *,
        filepath: str,
        of: str,
        many: bool = False,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._of = of
        self._many = many

    def _encode(self, data: Any) -> bytes:
        if not self._many:
            return super()._encode(_to_arrays(data))
        arrays = {
            f"{number}/{name}": array
            for number, item in enumerate(data)
            for name, array in _to_arrays(item).items()
        }
        return super()._encode(arrays)

    def _decode(self, content: bytes) -> Any:
        arrays = super()._decode(content)
        if not self._many:
            return _from_arrays(_class_at(self._of), arrays)
        items: dict[int, dict[str, np.ndarray]] = {}
        for key, array in arrays.items():
            number, name = key.split("/", 1)
            items.setdefault(int(number), {})[name] = array
        return [_from_arrays(_class_at(self._of), items[i]) for i in sorted(items)]

    def preview(self) -> TablePreview:
        """Name, shape and type of each array."""
        arrays = super()._decode(self._load_target().read_bytes())
        rows = [[k, str(v.shape), str(v.dtype)] for k, v in arrays.items()]
        return table(["array", "shape", "type"], rows)


class DataclassJsonDataset(VersionedFileDataset):
    """A dataclass of plain values <-> `.json`; lists come back as tuples.

    A class with `to_dict` and `from_dict` is saved by these. None is saved as null.

    Args:
        of: dotted path of the dataclass.
    """

    def __init__(
        self,
        *,
        filepath: str,
        of: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._of = of

    def _encode(self, data: Any) -> bytes:
        plain = data
        if data is not None:
            to_dict = getattr(data, "to_dict", None)
            plain = to_dict() if to_dict else dataclasses.asdict(data)
        text = json.dumps({"value": plain}, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")

    def _decode(self, content: bytes) -> Any:
        plain = json.loads(content.decode("utf-8"))["value"]
        if plain is None:
            return None
        kind = _class_at(self._of)
        if hasattr(kind, "from_dict"):
            return kind.from_dict(plain)
        return kind(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
        )

    def preview(self) -> JSONPreview:
        """The file's text."""
        return JSONPreview(self._load_target().read_text(encoding="utf-8"))


class CamerasDataset(VersionedFileDataset):
    """`PosedCameras` <-> JSON in the layout of an identity's own `poses.json`."""

    def _encode(self, data: Any) -> bytes:
        from mtcm_pipeline.formats.poses_json import poses_json_from_cameras

        content = {"source": data.source, **poses_json_from_cameras(data)}
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()

    def _decode(self, content: bytes) -> Any:
        from mtcm_pipeline.formats.poses_json import read_poses_json

        plain = json.loads(content.decode("utf-8"))
        reading = read_poses_json(plain, source=plain.get("source", "poses.json"))
        if reading.problems:
            raise ValueError(
                f"poses that were whole are not any more: {reading.problems}"
            )
        return reading.cameras

    def preview(self) -> JSONPreview:
        """The file's text."""
        return JSONPreview(self._load_target().read_text(encoding="utf-8"))


class TrainedModelDataset(WeightsDataset):
    """`TrainedMtcm` <-> safetensors: weights, standardiser, options and history."""

    def _encode(self, data: Any) -> bytes:
        from mtcm_pipeline.mtcm.persistence import weights_of

        return super()._encode(Weights(*weights_of(data)))

    def _decode(self, content: bytes) -> Any:
        from mtcm_pipeline.mtcm.persistence import trained_from_weights

        weights = super()._decode(content)
        return trained_from_weights(weights.tensors, weights.metadata)


def _class_at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _to_arrays(value: Any) -> dict[str, np.ndarray]:
    """Field name -> array; mappings are remarks for people and are left out."""
    arrays = {}
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        if isinstance(content, Mapping):
            continue
        texts = isinstance(content, tuple) and all(isinstance(x, str) for x in content)
        arrays[field.name] = np.array(content, dtype=np.str_ if texts else None)
    return arrays


def _from_arrays(kind: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The dataclass; a field annotated as a tuple or a number becomes one again."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name not in arrays:
            continue
        if str(field.type).startswith("tuple"):
            values[field.name] = tuple(arrays[field.name].tolist())
        elif str(field.type) in {"int", "float", "bool", "str"}:
            values[field.name] = arrays[field.name].item()
        else:
            values[field.name] = arrays[field.name]
    unknown = set(arrays) - set(values)
    if unknown:
        raise FileContentError(
            f"arrays {sorted(unknown)} are not part of {kind.__name__}"
        )
    try:
        return kind(**values)
    except (TypeError, MtcmError) as error:
        raise FileContentError(f"not a whole {kind.__name__}: {error}") from error
