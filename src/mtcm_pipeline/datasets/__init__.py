"""Kedro datasets: the only code of this project that opens files.

Every save is atomic; versions are kept as Kedro keeps them, but found without globs.
"""

from mtcm_pipeline.datasets.arrays import NpyDataset, NpzDataset
from mtcm_pipeline.datasets.checkpoints import CheckpointFolder, CheckpointsDataset
from mtcm_pipeline.datasets.file_folder import FileFolderDataset
from mtcm_pipeline.datasets.folder import FolderContents, FolderDataset
from mtcm_pipeline.datasets.text import HTMLDataset, TextDataset
from mtcm_pipeline.datasets.weights import Weights, WeightsDataset

__all__ = [
    "CheckpointFolder",
    "CheckpointsDataset",
    "FileFolderDataset",
    "FolderContents",
    "FolderDataset",
    "HTMLDataset",
    "NpyDataset",
    "NpzDataset",
    "TextDataset",
    "Weights",
    "WeightsDataset",
]
