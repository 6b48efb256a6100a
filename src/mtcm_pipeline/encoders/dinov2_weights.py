"""Where the official weights of DINOv2 ViT-S/14 lie, and how they are fetched.

Nothing is fetched unless it is asked for: `find_weights` only looks.
"""

from __future__ import annotations

import os
from pathlib import Path

from mtcm_pipeline.encoders.download import PublishedFile, download_file

FILE_NAME = "dinov2_vits14_pretrain.pth"
URL = f"https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/{FILE_NAME}"
PUBLISHED = PublishedFile(
    url=URL,
    size_bytes=88_283_115,
    sha256="b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
)
# Below the current folder, which is the project's in every run.
PROJECT_FOLDER = Path("data", "models")


def find_weights() -> Path | None:
    """The file in the project's `data/models`, else in the cache folder, else None."""
    places = (PROJECT_FOLDER / FILE_NAME, cache_folder() / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def fetch_weights(published: PublishedFile = PUBLISHED) -> Path:
    """Download the file into the cache folder, for this and every later run.

    Raises:
        ParameterError: it could not be had; nothing is left behind.
    """
    target = cache_folder() / FILE_NAME
    download_file(
        published,
        target,
        remedy=(
            "try again with a network, or download the file elsewhere and set "
            "ingest.encoder_weights to its path; or set ingest.encoder_download=false "
            "and ingest.encoder to efficientnet_lite0, which brings its weights"
        ),
    )
    return target


def cache_folder() -> Path:
    """This user's cache of the package, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is to be ignored, says the specification.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "mtcm-pipeline"
