"""The order of the pipelines."""

STAGES = ("ingest", "tokens", "train", "evaluate", "select", "export", "report")
