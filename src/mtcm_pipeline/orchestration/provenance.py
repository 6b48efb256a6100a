"""What a run was made with: the code's commit and the packages' versions."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mtcm_pipeline

_PACKAGES = ("kedro", "torch")
_SECONDS = 10


def git_state(project: Path) -> dict[str, Any] | None:
    """The commit and whether tracked files differ from it; None outside git."""
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(project, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(changes)}


def package_versions() -> dict[str, str | None]:
    """Versions of this package and of those that decide its results."""
    found: dict[str, str | None] = {"mtcm-pipeline": mtcm_pipeline.__version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


@cache
def code_digest() -> str:
    """SHA-256 of this package's files: names and contents, wherever it is installed.

    Unlike the commit it tells two states of an edited tree apart, and holds outside git.
    """
    root = Path(mtcm_pipeline.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if _is_code(p)):
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _is_code(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.name[0] != "."


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _git(project: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
