"""What a report is made of, in small."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtcm_pipeline.figures.style import new_figure
from mtcm_pipeline.report.page import ReportContent

NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")


def content(names=NAMES, **changes) -> ReportContent:
    """First two chosen in reverse, third dropped, the others not needed."""
    n = len(names)
    scores = pd.DataFrame(
        {
            "name": names,
            "fault_score": [0.9 if i == 2 else 0.1 for i in range(n)],
            "faulty": [i == 2 for i in range(n)],
            "usable": [i != 2 for i in range(n)],
            "reason": ["blurred" if i == 2 else "" for i in range(n)],
        }
    )
    ranks = {0: 2, 1: 1}
    selection = pd.DataFrame(
        {
            "name": names,
            "chosen": [i < 2 for i in range(n)],
            "rank": pd.array([ranks.get(i, pd.NA) for i in range(n)], dtype="Int64"),
            "gain": [{0: 0.25, 1: 3.5}.get(i, np.nan) for i in range(n)],
            "reason": [f"because of {name}" for name in names],
        }
    )
    labels = pd.DataFrame(
        {
            "name": names,
            "label": ["left profile" if i == 2 else "front" for i in range(n)],
        }
    )
    given = {
        "identity": "Bronze Head",
        "summary": {"frames in": str(n)},
        "frames": pd.DataFrame({"name": names}),
        "scores": scores,
        "selection": selection,
        "data_quality": pd.DataFrame({"part": ["masks"], "absent": [3]}),
        "thumbnails": {
            name: np.full((90, 120, 3), 40 * i % 256, np.uint8)
            for i, name in enumerate(names)
        },
        "figures": {"Curves": _figure("curve")},
        "camera_plot": None,
        "parameters": {"select": {"budget": 2, "rate": 0.00012345}, "seed": 7},
        "export_path": "data/outputs/Bronze Head",
        "coverage": {"captured": _figure("all"), "kept": _figure("kept")},
        "diversity": pd.DataFrame(
            {
                "measure": ["gap"],
                "unit": ["°"],
                "kept": [3.0],
                "meaning": ["widest sector"],
            }
        ),
        "labels": labels,
        "label_counts": pd.DataFrame({"word": ["front"], "kept": [4]}),
        "azimuth_from": "the first frame, a.jpg",
    }
    return ReportContent(**(given | changes))


def _figure(words: str):
    figure = new_figure(2, 1)
    figure.text(0.2, 0.5, words)
    return figure
