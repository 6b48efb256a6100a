"""What the benchmark measures with: the field, the faults, the encoder, the surrogate."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.content_store import ContentStore
from mtcm_pipeline.capture.photos import PosedPhotos
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.encoders.registry import Encoder
from mtcm_pipeline.scene.views import PinholeView, PinholeViews
from mtcm_pipeline.trials.bench import ExpectedQuality, Instruments
from mtcm_pipeline.trials.filters import Verdict
from mtcm_pipeline.trials.fitting import FitTask, Outcome
from mtcm_pipeline.trials.options import BenchmarkOptions
from mtcm_pipeline.trials.photo_filters import judged_sound, sharp_and_verified
from mtcm_pipeline.trials.pools import make_pool

if TYPE_CHECKING:
    from mtcm_pipeline.judge.matched import MatchMemory

Float = NDArray[np.float64]

# Foreign frames come from a generated capture, so that a fault is the same whatever
# other captures are measured beside.
_FOREIGN_SEED = 7
_FOREIGN_FRAMES = 16


def instruments(options: BenchmarkOptions, store: ContentStore | None) -> Instruments:
    """The project's own.

    Args:
        options: of the benchmark.
        store: keeps embeddings and features from run to run, by content.
    """
    return Instruments(
        fit=fit_and_compare,
        make_pool=partial(make_pool, others=foreign_photos),
        embed=_encoder(options, store),
        filters=_photo_filters(store),
        surrogate=expected_quality_of,
        warm_up=_compile,
    )


def fit_and_compare(task: FitTask) -> Outcome:
    """Train a field on the shown views, render the hidden ones; runs in a worker."""
    from mtcm_pipeline.field.fit import fit_field
    from mtcm_pipeline.field.options import FieldOptions
    from mtcm_pipeline.field.quality import compare

    options = FieldOptions(gaussians=task.gaussians, steps=task.steps)
    fitted = fit_field(task.shown, task.shown.names, options, seed=task.seed)
    qualities = compare(fitted, task.hidden, task.hidden.names)
    return Outcome(
        psnr=tuple(each.psnr for each in qualities),
        masked_psnr=tuple(each.masked_psnr for each in qualities),
        ssim=tuple(each.ssim for each in qualities),
        cpu_s=round(fitted.seconds, 3),
    )


def expected_quality_of(photos: PosedPhotos) -> ExpectedQuality:
    """The geometric surrogate over a clean capture, all of whose views may be asked for.

    It measures, it does not choose: unlike a selector's own, it may look at test views.
    """
    from mtcm_pipeline.surrogate.geometry import measure_geometry
    from mtcm_pipeline.surrogate.quality import expected_quality

    geometry = measure_geometry(photos)
    return lambda shown, hidden: expected_quality(geometry, shown, hidden).mean


@cache
def foreign_photos() -> tuple[PosedPhotos, ...]:
    """A generated capture of another subject, made once a process."""
    from mtcm_pipeline.formats.reading import PoseReading
    from mtcm_pipeline.ingest.posed_photos import posed_photos
    from mtcm_pipeline.sample.generate import generate_sample
    from mtcm_pipeline.sample.options import SampleOptions

    options = SampleOptions(seed=_FOREIGN_SEED, frames=_FOREIGN_FRAMES, faults=False)
    capture = generate_sample(options)

    def contents(folder: str) -> dict[str, Callable[[], bytes]]:
        parts = capture.parts[folder]
        return {name: partial(bytes, content) for name, content in parts.items()}

    poses = PoseReading(capture.truth.given, None, {}, ())
    return (
        posed_photos(
            "a generated capture",
            contents("raw_images"),
            poses,
            masks=contents("masks"),
        ),
    )


def _encoder(
    options: BenchmarkOptions, store: ContentStore | None
) -> Callable[[PosedPhotos], Float]:
    """Unit rows of a pool's photographs; the encoder is loaded when it is needed."""

    def embed(photos: PosedPhotos) -> Float:
        images = [photos.images[name] for name in photos.names]
        return np.asarray(loaded().encode(images), dtype=np.float64)

    @cache
    def loaded() -> Encoder:
        from mtcm_pipeline.encoders.cache import cached_encoder
        from mtcm_pipeline.encoders.registry import load_encoder

        if store is None:
            return load_encoder(options.encoder)
        return cached_encoder(options.encoder, None, store)

    return embed


def _photo_filters(
    store: ContentStore | None,
) -> dict[str, Callable[[PosedPhotos, Float], Verdict]]:
    """The filters that look at photographs; all pools share what was matched before."""

    @cache
    def memory() -> MatchMemory:
        import pycolmap

        from mtcm_pipeline.judge.matched import MatchMemory

        # Else COLMAP's code writes a line on the console for every photograph.
        pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
        return MatchMemory()

    return {
        "checks": lambda photos, embeddings: sharp_and_verified(
            photos, embeddings, memory()
        ),
        "judge": lambda photos, _: judged_sound(photos, memory(), store),
    }


def _compile() -> None:
    """One step of a fit to three tiny views, sweep and comparison included."""
    rng = np.random.default_rng(0)
    views = []
    for column in range(3):
        pose = np.eye(4)
        pose[:3, 3] = (0.1 * column, 0.0, 1.0)
        rgb = rng.random((16, 16, 3), dtype=np.float32)
        views.append(PinholeView(str(column), rgb, None, pose, (16.0, 16.0), (8.0, 8.0)))
    tiny = PinholeViews(tuple(views), Similarity(1.0, np.eye(3), np.zeros(3)))
    fit_and_compare(FitTask(tiny, tiny, gaussians=8, steps=1, seed=0))
