"""Which file belongs to which image: by name, by stem, or by either spelt otherwise.

A frame is known by its image's file name. Masks and embeddings share its stem; pose and
EXIF files may name the image with another extension (a HEIC that became a JPEG), in other
letter case (a card reader's capitals) or with accents in one piece (macOS writes two).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mtcm_pipeline.capture.files import by_stem, folded, natural_key, stem_of
from mtcm_pipeline.errors import CaptureError

NAMES_SHOWN = 5


@dataclass(frozen=True)
class Matches:
    """Which entries belong to which images.

    Attributes:
        by_image: entry's name by image's name; images without an entry are not here.
        unmatched: entries that belong to no image.
        ambiguous: entries that could belong to several images, or share one.
    """

    by_image: dict[str, str]
    unmatched: tuple[str, ...]
    ambiguous: tuple[str, ...]

    def notes(self, what: str) -> tuple[str, ...]:
        """Remarks for the data-quality table; `what` as in 'masks'."""
        found = []
        if self.unmatched:
            found.append(
                f"{what} that have no image's stem and were left out: "
                f"{len(self.unmatched)} ({shown(self.unmatched)})"
            )
        if self.ambiguous:
            found.append(
                f"{what} that could mean several images and were left out: "
                f"{len(self.ambiguous)} ({shown(self.ambiguous)}); rename them"
            )
        return tuple(found)


def frame_names(image_names: Iterable[str]) -> tuple[str, ...]:
    """The images' names in natural order (`r_2` before `r_10`).

    Raises:
        CaptureError: there are none, or two share a stem.
    """
    names = sorted(image_names, key=natural_key)
    if not names:
        raise CaptureError(
            "the identity has no images: put .jpg, .jpeg, .png, .webp or .heic files "
            "into data/raw_images/<identity>/"
        )
    by_stem(names, "images")
    return tuple(names)


def match_to_images(entries: Iterable[str], image_names: Sequence[str]) -> Matches:
    """Tie entries to images, the strictest rule first.

    The rules: the image's name; the image's stem (or the whole name with an extension
    added, as COLMAP names masks); both again without regard to letter case and to
    how accents are written. A rule counts only where it finds exactly one image, and an
    image takes one entry.
    """
    by_image: dict[str, str] = {}
    pending = sorted(entries, key=natural_key)
    ambiguous: set[str] = set()
    for fold in (_same, folded):
        for key_of in (_same, stem_of):
            pending = _match_by(
                pending, image_names, _both(key_of, fold), by_image, ambiguous
            )
    unmatched = tuple(e for e in pending if e not in ambiguous)
    return Matches(by_image, unmatched, tuple(e for e in pending if e in ambiguous))


def shown(names: Sequence[str]) -> str:
    """The first few names, and that there are more."""
    more = ", ..." if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _match_by(
    entries: list[str],
    image_names: Sequence[str],
    key_of: Callable[[str], str],
    by_image: dict[str, str],
    ambiguous: set[str],
) -> list[str]:
    """Apply one rule; matches go to `by_image`, the rest is returned."""
    images: dict[str, list[str]] = {}
    for name in image_names:
        for key in {key_of(name), name}:
            images.setdefault(key, []).append(name)
    rest = []
    for entry in entries:
        candidates = images.get(key_of(entry), [])
        free = [name for name in candidates if name not in by_image]
        if len(candidates) == 1 and free:
            by_image[free[0]] = entry
        else:
            rest.append(entry)
            if candidates:
                ambiguous.add(entry)
    return rest


def _same(text: str) -> str:
    return text


def _both(
    first: Callable[[str], str], second: Callable[[str], str]
) -> Callable[[str], str]:
    return lambda text: second(first(text))
