"""The order of the pipelines."""

STAGES = (
    "ingest",
    "tokens",
    "train",
    "evaluate",
    "select",
    "viewpoints",
    "missing",
    "export",
    "report",
)
