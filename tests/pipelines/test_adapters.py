"""The small codecs between what nodes hand on and files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from mtcm_pipeline.capture.points import SparsePoints
from mtcm_pipeline.capture.similarity import Similarity
from mtcm_pipeline.datasets.dataclasses import (
    CamerasDataset,
    DataclassArraysDataset,
    DataclassJsonDataset,
    TrainedModelDataset,
)
from mtcm_pipeline.errors import FileContentError
from mtcm_pipeline.export.weights import view_weights
from mtcm_pipeline.ingest.embeddings import EmbeddingTable
from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.prediction import predict_hidden
from mtcm_pipeline.mtcm.snapshots import train_with_snapshots
from mtcm_pipeline.selection.problem import Selection
from mtcm_pipeline.tokens.build import build_tokens
from project_copy import ROOT
from synthetic import (
    frame_table,
    orbit_cameras,
    smooth_embeddings,
)


def round_trip(dataset, value):
    dataset.save(value)
    return dataset.load()


@pytest.fixture(scope="module")
def trained():
    cameras = orbit_cameras(12)
    tokens, gauge = build_tokens(
        frame_table(cameras), smooth_embeddings(cameras), cameras
    )
    options = TrainOptions(d_model=16, layers=1, heads=2, epochs=4, snapshot_every=2)
    model, snapshots = train_with_snapshots(tokens, options)
    return tokens, gauge, model, snapshots


def test_arrays_come_back_as_the_dataclass_that_went_in(tmp_path, trained):
    tokens, _, _, snapshots = trained
    of = "mtcm_pipeline.tokens.layout.Tokens"
    back = round_trip(
        DataclassArraysDataset(filepath=str(tmp_path / "tokens.npz"), of=of), tokens
    )
    assert back.names == tokens.names
    assert np.array_equal(back.values, tokens.values, equal_nan=True)
    of = "mtcm_pipeline.mtcm.results.TrainingSnapshot"
    many = DataclassArraysDataset(
        filepath=str(tmp_path / "snapshots.npz"), of=of, many=True
    )
    again = round_trip(many, snapshots)
    assert [s.epoch for s in again] == [2, 4] == [s.epoch for s in snapshots]
    assert np.array_equal(again[1].latent, snapshots[1].latent)
    assert (
        round_trip(
            DataclassArraysDataset(filepath=str(tmp_path / "none.npz"), of=of, many=True),
            [],
        )
        == []
    )


def test_embeddings_keep_names_encoder_and_absence(tmp_path):
    vectors = np.full((2, 384), np.nan, np.float32)
    vectors[0] = 1
    table = EmbeddingTable(("ä 1.jpg", "b.jpg"), vectors, ("file", ""))
    of = "mtcm_pipeline.ingest.embeddings.EmbeddingTable"
    back = round_trip(
        DataclassArraysDataset(filepath=str(tmp_path / "e.npz"), of=of), table
    )
    assert back.names == table.names and back.encoder == table.encoder
    assert np.array_equal(back.vectors, vectors, equal_nan=True)


def test_no_points_are_points_too(tmp_path):
    of = "mtcm_pipeline.capture.points.SparsePoints"
    dataset = DataclassArraysDataset(filepath=str(tmp_path / "p.npz"), of=of)
    assert len(round_trip(dataset, SparsePoints.empty())) == 0


def test_json_cameras_gauge_and_selection_come_back(tmp_path, trained):
    cameras = orbit_cameras(4)
    back = round_trip(CamerasDataset(filepath=str(tmp_path / "poses.json")), cameras)
    assert np.allclose(back.cam_from_world, cameras.cam_from_world, atol=1e-12)
    assert back.cameras == cameras.cameras and back.source == cameras.source
    of = "mtcm_pipeline.selection.problem.Selection"
    selection = Selection("fvs", ("b.jpg", "a.jpg"), (1.0, 0.5), ("first", "far"))
    path = str(tmp_path / "selection.json")
    assert round_trip(DataclassJsonDataset(filepath=path, of=of), selection) == selection
    of = "mtcm_pipeline.capture.similarity.Similarity"
    gauge = trained[1]
    path = str(tmp_path / "gauge.json")
    again = round_trip(DataclassJsonDataset(filepath=path, of=of), gauge)
    assert isinstance(again, Similarity) and again.scale == gauge.scale


def test_a_model_predicts_the_same_after_a_round_trip(tmp_path, trained):
    tokens, _, model, _ = trained
    dataset = TrainedModelDataset(filepath=str(tmp_path / "model.safetensors"))
    again = round_trip(dataset, model)
    assert again.options == model.options
    a, b = predict_hidden(model, tokens), predict_hidden(again, tokens)
    assert np.array_equal(a.values, b.values)
    assert np.allclose(again.history, model.history)


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else entirely")
    with pytest.raises(Exception, match=r"model\.safetensors"):
        TrainedModelDataset(filepath=str(path)).load()
    arrays = tmp_path / "tokens.npz"
    np.savez(arrays, surprise=np.zeros(3))
    of = "mtcm_pipeline.tokens.layout.Tokens"
    with pytest.raises(Exception, match="surprise") as caught:
        DataclassArraysDataset(filepath=str(arrays), of=of).load()
    assert isinstance(caught.value.__cause__ or caught.value, FileContentError)


def test_tables_keep_empty_text_and_nan(tmp_path):
    """The catalog's CSV arguments, on the values that break others."""
    from kedro_datasets.pandas import CSVDataset

    entry = yaml.safe_load((ROOT / "conf/base/catalog.yml").read_text())["_table"]
    dataset = CSVDataset(
        filepath=str(tmp_path / "t.csv"),
        load_args=entry["load_args"],
        save_args=entry["save_args"],
    )
    table = pd.DataFrame(
        {
            "name": ["a, b.jpg", "NA.jpg"],
            "reason": ["", ""],
            "faulty": [True, False],
            "value": [np.nan, 1 / 3],
            "none": [np.nan, np.nan],
        }
    )
    back = round_trip(dataset, table)
    assert back["reason"].tolist() == ["", ""] and back["name"].tolist() == [
        "a, b.jpg",
        "NA.jpg",
    ]
    assert back["faulty"].dtype == bool and back["value"][1] == 1 / 3
    assert back["none"].isna().all() and back["none"].dtype == float


def test_view_weights_by_hand():
    weights = view_weights(np.array([0.0, 0.5, 0.5]))
    assert np.allclose(weights, [1.5, 0.75, 0.75]) and weights.dtype == np.float32
    assert np.allclose(view_weights(np.array([1.0, 1.0])), 1.0)
    assert len(view_weights(np.array([]))) == 0
