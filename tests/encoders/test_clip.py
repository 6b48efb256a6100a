"""CLIP: its calls against a stand-in, and the real package where it is installed."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from mtcm_pipeline.encoders.clip import MEAN, STD, Clip
from mtcm_pipeline.encoders.fixed_projection import project
from mtcm_pipeline.encoders.registry import load_encoder
from mtcm_pipeline.errors import FileContentError, ParameterError

SIDE, WIDTH = 16, 24
HERE = importlib.util.find_spec("transformers") is not None


class StandIn(torch.nn.Module):
    """What is used of `transformers.CLIPVisionModelWithProjection`, and no more."""

    missing = ()
    error = None

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(hidden_size=32, patch_size=8, image_size=SIDE)
        self.visual_projection = torch.nn.Linear(3 * SIDE**2, WIDTH, bias=False)
        self.batches = []

    @classmethod
    def from_pretrained(cls, source, *, output_loading_info):
        assert isinstance(source, str) and output_loading_info
        if cls.error is not None:
            raise cls.error
        torch.manual_seed(1)
        return cls(), {"missing_keys": set(cls.missing), "unexpected_keys": {"text.x"}}

    def forward(self, *, pixel_values):
        self.batches.append(pixel_values)
        return SimpleNamespace(
            image_embeds=self.visual_projection(pixel_values.flatten(1))
        )


@pytest.fixture
def stand_in(monkeypatch):
    module = ModuleType("transformers")
    module.CLIPVisionModelWithProjection = type("Model", (StandIn,), {})
    monkeypatch.setitem(sys.modules, "transformers", module)
    return module.CLIPVisionModelWithProjection


def photographs(count=11):
    random = np.random.default_rng(8)
    return [
        random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count)
    ]


def test_images_are_normalised_batched_and_projected(stand_in):
    encoder = load_encoder("clip", "some/folder")
    images = photographs()
    vectors = encoder.encode(images)
    model = encoder._model
    assert not model.training
    seen = torch.cat(model.batches)
    assert seen.shape == (11, 3, SIDE, SIDE) and len(model.batches) > 1
    # By hand: channel 1 of a pixel of the seventh image.
    expected = (images[6][3, 5, 1] / 255 - MEAN[1]) / STD[1]
    assert seen[6, 1, 3, 5].item() == pytest.approx(expected, abs=1e-6)
    with torch.no_grad():
        features = model.visual_projection(seen.flatten(1)).numpy()
    assert vectors.shape == (11, 384)
    assert np.allclose(vectors, project(features), atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, 384)


def test_the_name_tells_checkpoints_of_one_architecture_apart(stand_in):
    first, second = Clip.load("a"), Clip.load("b")
    assert first.name == second.name and "clip" in first.name
    assert first.side_px == SIDE
    with torch.no_grad():
        second._model.visual_projection.weight[0, 0] += 1
    assert first.name != second.name


def test_weights_that_would_be_random_are_refused(stand_in):
    stand_in.missing = ("vision_model.embeddings.class_embedding",)
    with pytest.raises(FileContentError, match="class_embedding"):
        Clip.load("some/folder")


def test_a_model_that_cannot_be_had_says_what_to_download(stand_in):
    stand_in.error = OSError("no such model\nand many more lines")
    with pytest.raises(ParameterError, match="no such model") as caught:
        Clip.load()
    assert "encoder_weights" in str(caught.value)
    assert "many more" not in str(caught.value)


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ParameterError, match=r"mtcm-pipeline\[clip\]"):
        load_encoder("clip")


@pytest.mark.skipif(not HERE, reason="the extra clip is not installed")
def test_a_checkpoint_of_the_real_package_gives_its_own_embeddings(tmp_path):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(4)
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=48, projection_dim=WIDTH, num_hidden_layers=2,
        num_attention_heads=4, image_size=SIDE, patch_size=8,
    )  # fmt: skip
    model = CLIPVisionModelWithProjection(config).eval()
    model.save_pretrained(tmp_path)
    images = photographs(3)
    batch = np.stack([(i / 255.0 - MEAN) / STD for i in images]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        embeds = model(pixel_values=torch.tensor(batch, dtype=torch.float32)).image_embeds
    encoder = Clip.load(tmp_path)
    assert np.allclose(encoder.encode(images), project(embeds.numpy()), atol=1e-5)
    assert encoder.side_px == SIDE
    with pytest.raises(ParameterError, match="encoder_weights"):
        Clip.load(tmp_path / "absent")
