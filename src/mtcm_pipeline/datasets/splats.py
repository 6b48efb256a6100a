"""Gaussians as the `.ply` that splat viewers open."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mtcm_pipeline.datasets.previews import TablePreview, table
from mtcm_pipeline.datasets.versioned import VersionedFileDataset

# Harmonics of degree 0 and 1.
_BANDS = 4


class SplatPlyDataset(VersionedFileDataset):
    """`field.gaussians.Gaussians` in the capture's own world <-> `.ply`."""

    def _encode(self, data: Any) -> bytes:
        from mtcm_pipeline.formats.splat_ply import splat_ply

        return splat_ply(**asdict(data))

    def _decode(self, content: bytes) -> Any:
        from mtcm_pipeline.field.gaussians import Gaussians
        from mtcm_pipeline.formats.splat_ply import read_splat_ply

        arrays = read_splat_ply(content)
        harmonics = arrays["harmonics"]
        kept = np.zeros((len(harmonics), _BANDS, 3), np.float32)
        kept[:, : harmonics.shape[1]] = harmonics[:, :_BANDS]
        return Gaussians(**{**arrays, "harmonics": kept})

    def preview(self) -> TablePreview:
        """Number, extent and opacity."""
        gaussians = self.load()
        rows: list[list[Any]] = [["Gaussians", len(gaussians)]]
        if len(gaussians):
            low, high = np.percentile(gaussians.means_xyz, [5, 95], axis=0)
            rows.append(["5 % to 95 % of x, y, z (world units)", f"{low} to {high}"])
            rows.append(["median opacity", float(np.median(gaussians.opacities))])
        return table(["what", "value"], rows)
