"""What each kind of fault does to the frames that were drawn for it.

Every function draws from the generator of its assignment alone and writes down what it
did; the clean capture is only read.

Dimension letters: H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.capture.photos import Mask
from mtcm_pipeline.faults import frames, masks, pictures, poses, times
from mtcm_pipeline.faults.assign import Assignment, bearings
from mtcm_pipeline.faults.draft import Draft
from mtcm_pipeline.formats.camera_crops import cropped_camera

# A hair: what structure from motion leaves between two shots of the same.
_COPY_TREMOR_DEG = 0.05
# So many of the foreign frames with the most similar colours may be drawn.
_ALIKE = 5
# The places at which an intruder is tried; it takes the one that hides least.
_PLACES_TRIED = 12


def _severity(job: Assignment, rng: np.random.Generator) -> float:
    return float(rng.uniform(*job.fault.limits))


def _rotation(draft: Draft, job: Assignment) -> None:
    rng = job.rng()
    degrees = _severity(job, rng)
    turn = poses.rotation_by(degrees, rng)
    old = draft.world_from_cam(job.rows)
    draft.set_poses(job.rows, poses.carried(old, draft.object_xyz, turn))
    draft.note(draft.name(job.rows[0]), job.fault, degrees)


def _translation(draft: Draft, job: Assignment) -> None:
    rng = job.rng()
    share = _severity(job, rng)
    step = share * float(np.median(draft.distances)) * poses.random_direction(rng)
    old = draft.world_from_cam(job.rows)
    draft.set_poses(job.rows, poses.shifted(old, step))
    draft.note(draft.name(job.rows[0]), job.fault, share)


def _swapped(draft: Draft, job: Assignment) -> None:
    first, second = job.rows
    draft.swap_poses(first, second)
    from_object = bearings(draft.clean.cameras)
    cosine = np.clip(from_object[first] @ from_object[second], -1.0, 1.0)
    apart = float(np.degrees(np.arccos(cosine)))
    draft.note(draft.name(first), job.fault, apart, draft.name(second))
    draft.note(draft.name(second), job.fault, apart, draft.name(first))


def _block(draft: Draft, job: Assignment) -> None:
    rng = job.rng()
    degrees = _severity(job, rng)
    turn = poses.rotation_by(degrees, rng)
    step = job.fault.offset * float(np.median(draft.distances))
    moved = poses.carried(draft.world_from_cam(job.rows), draft.object_xyz, turn)
    draft.set_poses(job.rows, poses.shifted(moved, step * poses.random_direction(rng)))
    for row in job.rows:
        draft.note(draft.name(row), job.fault, degrees)


def _motion_blur(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    length = _severity(job, rng)
    kernel = pictures.streak_kernel(draft.px(row, length), rng.uniform(0, np.pi))
    draft.set_photo(row, pictures.convolved(draft.photo(row), kernel))
    draft.note(draft.name(row), job.fault, length)


def _defocus(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    diameter = _severity(job, rng)
    kernel = pictures.disc_kernel(draft.px(row, diameter))
    draft.set_photo(row, pictures.convolved(draft.photo(row), kernel))
    draft.note(draft.name(row), job.fault, diameter)


def _exposure(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    stops = _severity(job, rng) * float(rng.choice([-1.0, 1.0]))
    draft.set_photo(row, pictures.exposed(draft.photo(row), stops))
    draft.note(draft.name(row), job.fault, stops)


def _occluder(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    share = _severity(job, rng)
    photo = draft.photo(row)
    height, width = photo.shape[:2]
    centre = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
    opacity = pictures.blob((height, width), centre, share, rng)
    cloth = pictures.texture((height, width), rng)
    draft.set_photo(row, pictures.covered(photo, opacity, cloth))
    draft.note(draft.name(row), job.fault, share)


def _foreign(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    candidates = frames.frames_of(draft.others)
    if job.fault.strength == "subtle":
        alike = frames.most_alike(draft.photo(row), candidates)
        index = int(rng.choice(alike[:_ALIKE]))
    else:
        index = int(rng.integers(len(candidates)))
    source, name = candidates[index]
    photo, mask = source.images[name], source.masks.get(name)
    size = draft.camera(row).width, draft.camera(row).height
    box = frames.middle((photo.shape[1], photo.shape[0]), size)
    draft.set_photo(row, frames.resampled(photo, box, size))
    draft.set_mask(row, mask if mask is None else frames.resampled_mask(mask, box, size))
    draft.note(draft.name(row), job.fault, 1.0, f"{source.identity}/{name}")


def _intruder(draft: Draft, job: Assignment) -> None:
    """One intruder in every frame of the run, as its own capture's next frames see it."""
    rng = job.rng()
    share = _severity(job, rng)
    cuttable = list(frames.frames_to_cut_from(draft.others))
    capture, first = cuttable[int(rng.integers(len(cuttable)))]
    source = draft.others[capture]
    views = [row for index, row in cuttable if index == capture]
    start = views.index(first)
    foot = float(rng.uniform(0.75, 0.98))
    across = _ways_across(draft, job, share, rng)
    for step, row in enumerate(job.rows):
        name = source.names[views[(start + step) % len(views)]]
        intruder = frames.cut_out(source.images[name], source.masks[name])
        place = frames.Place(across[step], foot, share)
        photo, cover = frames.with_intruder(draft.photo(row), intruder, place)
        draft.set_photo(row, photo)
        mask = draft.clean.masks.get(draft.name(row))
        draft.set_mask(row, None if mask is None else mask | cover)
        other = f"{source.identity}/{name}"
        draft.note(draft.name(row), job.fault, float(cover.mean()), other)


def _ways_across(
    draft: Draft, job: Assignment, share: float, rng: np.random.Generator
) -> list[float]:
    """Where the intruder's middle is, in widths of the picture, frame by frame."""
    if len(job.rows) > 1:
        path = np.linspace(0.05, 0.95, len(job.rows))
        return (path if rng.random() < 0.5 else path[::-1]).tolist()
    weight = _subject_weight(draft, job.rows[0])
    tried = rng.uniform(0.08, 0.92, _PLACES_TRIED)
    half = 0.5 * np.sqrt(share)
    columns = (np.arange(weight.shape[1]) + 0.5) / weight.shape[1]
    hidden = [weight[:, np.abs(columns - x) < half].sum() for x in tried]
    return [float(tried[int(np.argmin(hidden))])]


def _subject_weight(draft: Draft, row: int) -> NDArray[np.float64]:
    """(H, W) where the subject is: its mask, else the middle of the picture."""
    mask = draft.clean.masks.get(draft.name(row))
    if mask is not None and mask.any():
        return mask.astype(np.float64)
    camera = draft.camera(row)
    y, x = np.indices((camera.height, camera.width), dtype=np.float64)
    apart = (x / camera.width - 0.5) ** 2 + (y / camera.height - 0.5) ** 2
    return np.exp(-apart / 0.08)


def _duplicate(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    share = _severity(job, rng)
    camera = draft.camera(row)
    box = frames.small_crop(camera.width, camera.height, share, rng)
    mask = draft.clean.masks.get(draft.name(row))
    if mask is not None:
        mask = frames.resampled_mask(mask, box, camera.size)
    (pose,) = draft.world_from_cam(job.rows)
    name = draft.insert(
        row,
        poses.trembled(pose, float(draft.distances[row]), _COPY_TREMOR_DEG, rng),
        cropped_camera(camera, box, camera.width, camera.height),
        frames.copied(draft.photo(row), box, rng),
        mask,
    )
    draft.note(name, job.fault, share, draft.name(row))


def _mask(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    name = draft.name(row)
    mask = draft.clean.masks[name]
    made = masks.damaged(mask, _severity(job, rng), _masks_of_others(draft, name), rng)
    draft.set_mask(row, made)
    draft.note(name, job.fault, masks.difference(mask, made))


def _masks_of_others(draft: Draft, name: str) -> list[Mask]:
    """Masks of the other frames that have the same size."""
    given = draft.clean.masks
    return [
        given[other]
        for other in draft.clean.names
        if other != name and other in given and given[other].shape == given[name].shape
    ]


def _timestamp(draft: Draft, job: Assignment) -> None:
    rng, (row,) = job.rng(), job.rows
    names = draft.clean.names
    place = times.wrong_place(row, len(names), _severity(job, rng), rng)
    draft.move(row, place, times.time_at(place, names, draft.clean.seconds))
    beside = names[int(np.clip(round(place), 0, len(names) - 1))]
    draft.note(names[row], job.fault, abs(place - row) / len(names), beside)


APPLY: Mapping[str, Callable[[Draft, Assignment], None]] = MappingProxyType(
    {
        "rotation": _rotation,
        "translation": _translation,
        "swapped": _swapped,
        "block": _block,
        "motion_blur": _motion_blur,
        "defocus": _defocus,
        "exposure": _exposure,
        "occluder": _occluder,
        "foreign": _foreign,
        "intruder": _intruder,
        "duplicate": _duplicate,
        "mask": _mask,
        "timestamp": _timestamp,
    }
)
