"""How the field's numba kernels are compiled, and when what numba kept is out of date.

numba keeps what it compiled on disk and looks at a kernel's own file alone to see whether
that still holds. Kernels call others in other files and take constants from there, so the
name under which each is kept carries a digest of all these files: after a change in any
of them, all are compiled anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, Literal

from numba import njit

SOURCES = (
    "arrays.py",
    "gaussians.py",
    "kernels.py",
    "projection.py",
    "projection_gradients.py",
    "rasterisation.py",
    "splat_geometry.py",
)
"""Files of this folder that what is compiled depends on."""


def kernel(
    function: Callable[..., Any], *, inline: Literal["never", "always"] = "never"
) -> Any:
    """Compile `function` at its first call, or load what an earlier process compiled.

    Args:
        function: in numba's subset of Python, for arrays of one float type.
        inline: "always" puts its code where it is called before LLVM sees it.
    """
    function.__qualname__ += f"_{_sources_digest()}"  # part of the kept file's name
    compiled = njit(
        cache=True, fastmath=True, error_model="numpy", nogil=True, inline=inline
    )
    return compiled(function)


@cache
def _sources_digest() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(resources.files(__package__).joinpath(name).read_bytes())
    return digest.hexdigest()[:12]
