"""Kernels that numba kept are not used once a file that they depend on has changed."""

import importlib.util
import re
import sys
import types
from pathlib import Path

from mtcm_pipeline.field import kernels

FOLDER = Path(kernels.__file__).parent


def fields_imports(path: Path) -> set[str]:
    """Files of the field's folder that a file of it imports."""
    text = path.read_text(encoding="utf-8")
    return {
        f"{name}.py" for name in re.findall(r"from mtcm_pipeline\.field\.(\w+)", text)
    }


def test_every_file_that_a_kernel_depends_on_is_in_the_digest():
    with_kernels = {
        path.name
        for path in FOLDER.glob("*.py")
        if "field.kernels import kernel" in path.read_text(encoding="utf-8")
    }
    assert len(with_kernels) == 4
    needed = with_kernels.union(*(fields_imports(FOLDER / n) for n in with_kernels))
    assert needed == set(kernels.SOURCES)


def load(path: Path):
    """The module at `path` as a new process would import it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_constant_changed_elsewhere_is_felt(tmp_path, monkeypatch):
    (tmp_path / "scaling.py").write_text(
        "import constant_for_kernels\n"
        "from mtcm_pipeline.field.kernels import kernel\n"
        "FACTOR = constant_for_kernels.FACTOR\n"
        "@kernel\n"
        "def scaled(x):\n"
        "    return x * FACTOR\n"
    )

    def scaled_by(factor: float, digest: str) -> float:
        constant = types.SimpleNamespace(FACTOR=factor)
        monkeypatch.setitem(sys.modules, "constant_for_kernels", constant)
        monkeypatch.setattr(kernels, "_sources_digest", lambda: digest)
        return load(tmp_path / "scaling.py").scaled(3.0)

    assert scaled_by(2.0, "first") == 6.0
    # What this is about: numba looks at the kernel's own file alone ...
    assert scaled_by(5.0, "first") == 6.0
    # ... and with the digest of all files it compiles again.
    assert scaled_by(5.0, "second") == 15.0
