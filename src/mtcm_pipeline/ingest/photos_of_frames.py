"""The photographs of some frames of a capture that was taken in before."""

from __future__ import annotations

from collections.abc import Sequence

from mtcm_pipeline.capture.cameras import PosedCameras
from mtcm_pipeline.capture.files import FileLoaders
from mtcm_pipeline.capture.matching import shown
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.formats.reading import PoseReading
from mtcm_pipeline.ingest.posed_photos import posed_photos


def photos_of_frames(
    what_for: str,
    names: Sequence[str],
    cameras: PosedCameras,
    images: FileLoaders,
    masks: FileLoaders,
    *,
    longer_side_px: int,
) -> PosedPhotos:
    """Decode the photographs of the frames, with the poses of `cameras`.

    Args:
        what_for: said in front of what is logged.
        names: frames that have a pose.
        cameras: of the capture as it was taken in.
        images: photographs by file name, as they lie there now.
        masks: by file name, stems as the images'.
        longer_side_px: of the result; a smaller photograph keeps its size.

    Returns:
        As `posed_photos`: a photograph that cannot be read is left out and named.

    Raises:
        CaptureError: a photograph is not there any more, so that the capture is another
            one than the frames were judged in; or none of them can be read.
    """
    gone = [name for name in names if name not in images]
    if gone:
        raise CaptureError(
            f"{what_for}: {len(gone)} of the {len(names)} photographs that are needed "
            f"are gone since the capture was taken in ({shown(gone)}): put them back, or "
            f"run ingest and all stages after it again"
        )
    return posed_photos(
        what_for,
        {name: images[name] for name in names},
        PoseReading(cameras.subset(names), None, {}, ()),
        masks=masks,
        longer_side_px=longer_side_px,
    )
