"""Which pairs of images are matched.

Dimension letters: N images, D embedding width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError, ParameterError
from mtcm_pipeline.sfm.options import SfmOptions

Pair = tuple[int, int]

# A video's frames, also the sharpest of each window: no gap far from the usual one.
_VIDEO_GAP_S = 1.0
_REGULAR_SHARE = 0.9
_REGULAR_FACTOR = 2.5
# Images of a block are in memory together while its pairs are matched.
_BLOCK = 50


@dataclass(frozen=True)
class PairChoice:
    """Pairs to match.

    Attributes:
        strategy: `exhaustive`, `sequential` or `retrieval`.
        pairs: rows (i, j) with i < j, each once, in blocks that share images.
        note: why, where the choice deserves a remark; else empty.
    """

    strategy: str
    pairs: tuple[Pair, ...]
    note: str = ""


def choose_pairs(
    count: int,
    options: SfmOptions,
    *,
    embeddings: NDArray[np.floating] | None = None,
    times_s: Sequence[float] | None = None,
) -> PairChoice:
    """The pairs that `options.matching` means for this capture.

    Args:
        count: N images, in capture order.
        options: the strategy and its sizes.
        embeddings: (N, D) vectors; rows of NaN are absent.
        times_s: N times of exposure in seconds; NaN is absent.

    Raises:
        CaptureError: embeddings or times are not N.
        ParameterError: retrieval was asked for without embeddings.
    """
    for what, values in (("embeddings", embeddings), ("times", times_s)):
        if values is not None and len(values) != count:
            raise CaptureError(f"{len(values)} {what} for {count} images: give one each")
    order = _time_order(count, times_s)
    strategy, note = _strategy(count, options, embeddings is not None, times_s)
    if strategy == "exhaustive":
        return PairChoice(strategy, exhaustive_pairs(count), note)
    pairs = set(_sequential(order, options))
    if embeddings is not None:
        pairs |= set(_retrieval(np.asarray(embeddings, dtype=np.float64), options))
    elif strategy == "retrieval":
        raise ParameterError(
            "sfm.matching is 'retrieval', which needs embeddings, and there are none: "
            "use 'exhaustive' or 'sequential'"
        )
    return PairChoice(strategy, _in_blocks(pairs), note)


def exhaustive_pairs(count: int) -> tuple[Pair, ...]:
    """Every pair of `count` images."""
    return _in_blocks((i, j) for i in range(count) for j in range(i + 1, count))


def regular_as_video(times_s: Sequence[float] | None) -> bool:
    """Whether all frames have times and follow each other as a video's do."""
    if times_s is None or len(times_s) < 3:
        return False
    times = np.sort(np.asarray(times_s, dtype=np.float64))
    if not np.isfinite(times).all():
        return False
    gaps = np.diff(times)
    usual = float(np.median(gaps))
    if not 0.0 < usual <= _VIDEO_GAP_S:
        return False
    near = (gaps > usual / _REGULAR_FACTOR) & (gaps < usual * _REGULAR_FACTOR)
    return bool(near.mean() >= _REGULAR_SHARE)


def _strategy(
    count: int,
    options: SfmOptions,
    has_embeddings: bool,
    times_s: Sequence[float] | None,
) -> tuple[str, str]:
    """Name of the strategy, and a remark."""
    if options.matching != "auto":
        return options.matching, ""
    if regular_as_video(times_s):
        return "sequential", ""
    if count <= options.exhaustive_max_frames:
        return "exhaustive", ""
    if has_embeddings:
        return "retrieval", ""
    pairs = count * (count - 1) // 2
    return "exhaustive", (
        f"{count} unordered images without embeddings: all {pairs} pairs are matched, "
        f"which takes long; compute embeddings first, or set sfm.matching=sequential if "
        f"the file names follow the path"
    )


def _time_order(count: int, times_s: Sequence[float] | None) -> NDArray[np.int64]:
    """Rows by time where all have one, else as they come."""
    if times_s is None or not np.isfinite(times_s).all():
        return np.arange(count)
    return np.argsort(np.asarray(times_s), kind="stable")


def _sequential(order: NDArray[np.int64], options: SfmOptions) -> Iterable[Pair]:
    """Near frames, frames at doubling distances, and every k-th with every k-th."""
    count, overlap = len(order), options.sequential_overlap
    doubling = {2**p for p in range(1, max(count, 2).bit_length())}
    offsets = sorted(set(range(1, overlap + 1)) | doubling)
    for i in range(count):
        for offset in offsets:
            if i + offset < count:
                yield _sorted(order[i], order[i + offset])
    stops = order[:: options.loop_period]
    for place, i in enumerate(stops):
        for j in stops[place + 1 :]:
            yield _sorted(i, j)


def _retrieval(vectors: NDArray[np.float64], options: SfmOptions) -> Iterable[Pair]:
    """The nearest neighbours of each by cosine; absent vectors have none."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)
    unit = np.where(known[:, None], vectors / np.where(lengths > 0, lengths, 1.0), 0.0)
    wanted = min(options.retrieval_neighbours, int(known.sum()) - 1)
    if wanted < 1:
        return
    for i in np.flatnonzero(known):
        cosine = np.where(known, unit @ unit[i], -np.inf)  # (N,)
        cosine[i] = -np.inf
        for j in np.argpartition(-cosine, wanted - 1)[:wanted]:
            yield _sorted(i, j)


def _sorted(i: int | np.integer, j: int | np.integer) -> Pair:
    return (int(min(i, j)), int(max(i, j)))


def _in_blocks(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Each pair once, ordered so that neighbours in the list share images."""
    keyed = {(i // _BLOCK, j // _BLOCK, i, j) for i, j in pairs}
    return tuple((i, j) for *_, i, j in sorted(keyed))
