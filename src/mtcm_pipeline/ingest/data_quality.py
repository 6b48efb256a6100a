"""What a capture has and what it lacks, counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd

from mtcm_pipeline.capture.matching import shown
from mtcm_pipeline.ingest.frames import IngestedFrames

_PARTS = {
    "image": "has_image",
    "pose": "has_pose",
    "mask": "has_mask",
    "embedding": "has_embedding",
    "timestamp": "has_timestamp",
    "focal length": "has_focal",
}
# Values of the column `part` whose rows hold text alone.
PROBLEM, NOTE = "problem", "note"
# Of parts whose absence no other line of the log explains.
_REMEDIES = dict.fromkeys(
    ("timestamp", "focal length"),
    ": the photographs' EXIF or metadata/<identity>/exif.json would tell",
)
_LINES = 20


def data_quality_table(
    frames: IngestedFrames, notes: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Counts of every part of a capture, then its problems and remarks.

    Args:
        frames: the capture; its embeddings entered (`intake.with_embeddings`).
        notes: further remarks, for example of the embeddings.

    Returns:
        One row a part with columns `part`, `present`, `absent` (frames), and `examples`
        (the first frames that lack it). A row `problems` counts the frames that have
        any; rows `problem`, one such frame each, and `note`, one remark each, hold text
        alone and count nothing.
    """
    table = frames.table
    rows = [_part_row(table, part, column) for part, column in _PARTS.items()]
    troubled = table[table["problems"] != ""]
    rows.append(
        {
            "part": "problems",
            "present": len(troubled),
            "absent": len(table) - len(troubled),
            "examples": shown(tuple(troubled["name"])),
        }
    )
    rows += _texts(
        PROBLEM,
        (
            f"{name}: {text}"
            for name, text in zip(troubled["name"], troubled["problems"], strict=True)
        ),
    )
    rows += _texts(NOTE, (*frames.notes, *notes))
    return pd.DataFrame(rows, columns=["part", "present", "absent", "examples"])


def summary_lines(
    quality: pd.DataFrame, *, said: Collection[str] = ()
) -> tuple[str, ...]:
    """The data-quality table as lines for the log; whole parts take one line together.

    Problems are left to `problem_lines`.

    Args:
        quality: as `data_quality_table` makes it.
        said: notes that are in the log already and are not repeated.
    """
    rows = [
        (str(part), int(present), int(absent), str(examples))
        for part, present, absent, examples in zip(
            quality["part"],
            quality["present"],
            quality["absent"],
            quality["examples"],
            strict=True,
        )
    ]
    whole = [part for part, _, absent, _ in rows if part in _PARTS and absent == 0]
    lines = [f"every frame has: {', '.join(whole)}"] if whole else []
    for part, present, absent, examples in rows:
        remedy = _REMEDIES.get(part, "")
        if part in _PARTS and absent and not present:
            lines.append(f"{part}: absent for all {absent}{remedy}")
        elif part in _PARTS and absent:
            lines.append(
                f"{part}: absent for {absent} of {present + absent} ({examples}){remedy}"
            )
        elif part == NOTE and examples not in said:
            lines.append(f"note: {examples}")
    return tuple(lines)


def problem_lines(quality: pd.DataFrame) -> tuple[str, ...]:
    """A line for each of the first frames with a problem, and how many more there are."""
    problems = [str(text) for text in quality.loc[quality["part"] == PROBLEM, "examples"]]
    more = len(problems) - _LINES
    rest = (f"{more} frames more have problems: see data_quality.csv",) * (more > 0)
    return (*problems[:_LINES], *rest)


def _texts(part: str, texts: Iterable[str]) -> list[dict[str, object]]:
    """Rows that hold text alone."""
    return [{"part": part, "present": 0, "absent": 0, "examples": t} for t in texts]


def _part_row(table: pd.DataFrame, part: str, column: str) -> dict[str, object]:
    lacking = tuple(table.loc[~table[column], "name"])
    return {
        "part": part,
        "present": int(table[column].sum()),
        "absent": len(lacking),
        "examples": shown(lacking),
    }
