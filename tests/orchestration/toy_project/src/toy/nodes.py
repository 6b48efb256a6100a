import os
import signal

import numpy as np
import pandas as pd

from mtcm_pipeline.errors import CaptureError


def read_frames(images):
    return {name: load()[0] for name, load in images.items()}


def make_tokens(frames):
    return np.array(list(frames.values()), dtype=float), {"names": np.array(list(frames))}


def make_batch(tokens):
    return tokens * 2


def fit(batch, options):
    if options.accident == "raise":
        raise CaptureError("frame [/x] 'img1.jpg' is no good")
    if options.accident == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    weights = np.full(2, options.learning_rate)
    return {"weights": weights, "batch": batch}, [{"epoch": options.epochs}]


def score(model, frames):
    return pd.DataFrame({"frame": list(frames), "score": model["batch"]})


def choose(scores, options):
    kept = scores.sort_values("score", ascending=False).head(options.budget)
    return {"kept": kept["frame"].tolist()}


def write_export(selection, frames):
    names = selection["kept"]
    return {
        "filtered_images.txt": "\n".join(names),
        "images/values.json": [frames[name] for name in names],
    }


def summarise(selection):
    return f"kept {len(selection['kept'])}"
