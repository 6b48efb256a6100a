"""COLMAP's camera models, known by asking pycolmap, so that none is forgotten."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mtcm_pipeline.capture.cameras import Camera
from mtcm_pipeline.errors import CaptureError, FileContentError

if TYPE_CHECKING:
    import pycolmap


@cache
def camera_model_params() -> dict[str, tuple[str, ...]]:
    """Names of the parameters of every camera model that pycolmap knows, in its order."""
    import pycolmap

    names = [name for name in pycolmap.CameraModelId.__members__ if name != "INVALID"]
    made = {n: pycolmap.Camera.create_from_model_name(1, n, 1.0, 2, 2) for n in names}
    return {n: tuple(c.params_info.replace(" ", "").split(",")) for n, c in made.items()}


def checked_camera(camera: Camera, what: str) -> Camera:
    """The camera itself, if its model exists and has as many parameters as it must.

    Args:
        camera: intrinsics to check.
        what: how to name the camera in an error.

    Raises:
        FileContentError: the model is unknown, or the parameters do not fit it.
    """
    models = camera_model_params()
    if camera.model not in models:
        raise FileContentError(
            f"{what} has the unknown model {camera.model!r}; known: {', '.join(models)}"
        )
    expected = models[camera.model]
    if len(camera.params) != len(expected):
        raise FileContentError(
            f"{what}: model {camera.model} takes {len(expected)} parameters "
            f"({', '.join(expected)}), not {len(camera.params)}"
        )
    focals = [v for v, n in zip(camera.params, expected, strict=True) if n[0] == "f"]
    if any(value <= 0 for value in focals):
        raise FileContentError(f"{what} has a focal length of {min(focals)} px")
    return camera


def make_camera(
    model: object, width: object, height: object, params: object, what: str
) -> Camera:
    """A checked camera from values of a file.

    Raises:
        FileContentError: naming `what` and the value that is wrong.
    """
    try:
        size = round(float(width)), round(float(height))  # type: ignore[arg-type]
        values = tuple(float(p) for p in params)  # type: ignore[attr-defined]
        camera = Camera(str(model), *size, values)
    except (TypeError, ValueError, OverflowError, CaptureError) as error:
        raise FileContentError(
            f"{what} is not a camera (model {model!r}, {width!r}x{height!r} px, "
            f"params {params!r}): {error}"
        ) from error
    return checked_camera(camera, what)


def pycolmap_camera(camera: Camera, camera_id: int = 1) -> pycolmap.Camera:
    """The same camera as pycolmap's object."""
    import pycolmap

    checked_camera(camera, f"camera {camera_id}")
    return pycolmap.Camera(
        camera_id=camera_id,
        model=camera.model,
        width=camera.width,
        height=camera.height,
        params=list(camera.params),
    )
