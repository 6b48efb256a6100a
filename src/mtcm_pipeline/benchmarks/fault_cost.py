"""What judging costs: CPU seconds of this process, imports and model included.

    python -m mtcm_pipeline.benchmarks.fault_cost ../shared/captures/chair_synthetic

`--repeat 10` asks for so many times as many frames instead, without photographs: the
capture's evidence laid out again and again, for how time and memory grow.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pandas as pd

from mtcm_pipeline.benchmarks.captures import load_photos
from mtcm_pipeline.benchmarks.clock import cpu_seconds
from mtcm_pipeline.benchmarks.command import BenchmarkCommand
from mtcm_pipeline.judge.capture_evidence import CaptureEvidence, gather
from mtcm_pipeline.judge.checkpoint import shipped_judge
from mtcm_pipeline.judge.matched import MatchMemory
from mtcm_pipeline.judge.observations import observe
from mtcm_pipeline.judge.verdicts import judged_frames

_MAX_RSS_IN_KB = sys.platform != "darwin"  # there it is in bytes


class MemoryStore(dict):
    """What is known about photographs, while the process lives."""

    def read(self, key: str) -> bytes | None:
        """Bytes written last under `key`, or None."""
        return self.get(key)

    def write(self, key: str, content: bytes) -> None:
        """Replace what is under `key`."""
        self[key] = content


def repeated(evidence: CaptureEvidence, times: int) -> CaptureEvidence:
    """The evidence of so many captures alike, each stood a bit aside of the last and with
    a little noise, as if they were one."""
    rng = np.random.default_rng(0)

    def tiled(values: np.ndarray) -> np.ndarray:
        stacked = np.concatenate([values] * times)
        noise = rng.normal(0.0, 1e-3, stacked.shape).astype(np.float32)
        return (stacked + noise).astype(values.dtype)

    poses = np.concatenate([evidence.world_from_cam] * times)
    poses[:, 2, 3] += np.repeat(np.arange(times), len(evidence)) * 0.05
    names = [f"{part:03d}_{name}" for part in range(times) for name in evidence.names]
    n = len(names)
    pairs = [
        evidence.pairs.assign(
            name_a=f"{part:03d}_" + evidence.pairs["name_a"],
            name_b=f"{part:03d}_" + evidence.pairs["name_b"],
        )
        for part in range(times)
    ]
    return replace(
        evidence,
        names=tuple(names),
        world_from_cam=poses,
        times=np.arange(n) / max(n - 1, 1),
        numbers=tiled(evidence.numbers),
        small=tiled(evidence.small),
        mask_cells=tiled(evidence.mask_cells),
        embeddings=tiled(evidence.embeddings),
        patches=tiled(evidence.patches),
        pairs=pd.concat(pairs, ignore_index=True),
        frames=pd.concat([evidence.frames] * times, ignore_index=True).assign(name=names),
    )


@click.command(cls=BenchmarkCommand)
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1, 200))
def main(folder: Path, repeat: int) -> None:
    """Judge the capture in FOLDER, twice, and say what it cost."""
    photos, store, memory = load_photos(folder), MemoryStore(), MatchMemory()
    marks = [("imports and photographs", cpu_seconds())]
    for word in ("", "again: "):
        evidence = gather(photos, memory, store=store)
        marks.append((f"{word}looked at and matched", cpu_seconds()))
        if repeat > 1:
            evidence = repeated(evidence, repeat)
        seen = observe(evidence)
        marks.append((f"{word}observed {len(seen)} frames", cpu_seconds()))
        judged_frames(shipped_judge(), seen, evidence, 2.0)
        marks.append((f"{word}judged", cpu_seconds()))
        if repeat > 1:
            break
    before = 0.0
    for what, at in marks:
        click.echo(f"{at - before:7.1f} CPU s  {what}")
        before = at
    click.echo(f"{before:7.1f} CPU s  in all")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    click.echo(f"{peak / (1024 if _MAX_RSS_IN_KB else 2**20):7.0f} MB at most")


if __name__ == "__main__":
    main()
