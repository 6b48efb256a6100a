"""Names by which Kedro-Viz knows what a `preview()` returns.

Kedro-Viz reads the name of the return annotation, nothing more.
"""

from __future__ import annotations

from typing import Any, NewType

TablePreview = NewType("TablePreview", dict[str, Any])
ImagePreview = NewType("ImagePreview", str)
JSONPreview = NewType("JSONPreview", str)
HTMLPreview = NewType("HTMLPreview", str)


def table(columns: list[str], rows: list[list[Any]]) -> TablePreview:
    """A table in the form that Kedro-Viz draws (pandas' `split`)."""
    return TablePreview(
        {"columns": columns, "index": list(range(len(rows))), "data": rows}
    )
