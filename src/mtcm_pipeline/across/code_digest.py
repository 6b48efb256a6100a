"""What was computed by other code is not taken for today's."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

# Packages of this library that observations come out of, and, on top, networks.
OBSERVING = ("capture", "faults", "judge", "regressors", "tokens", "twoview")
TRAINING = ("across", "judge")


@cache
def code_digest(packages: tuple[str, ...]) -> str:
    """Hash of the source files of some packages of this library."""
    digest = hashlib.sha256()
    for package in packages:
        folder = resources.files(f"mtcm_pipeline.{package}")
        files = (each for each in folder.iterdir() if each.name.endswith(".py"))
        for file in sorted(files, key=lambda each: each.name):
            digest.update(f"{package}/{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()
