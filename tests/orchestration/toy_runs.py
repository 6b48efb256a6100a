"""What a run of the toy project left behind."""

from __future__ import annotations

import json


def selected(toy, version, identity="Ada"):
    folder = toy.outputs(identity) / "select" / "selection.json" / version
    return json.loads((folder / "selection.json").read_text(encoding="utf-8"))["kept"]


def manifest(toy, version, identity="Ada"):
    return json.loads((toy.outputs(identity) / "runs" / f"{version}.json").read_text())
