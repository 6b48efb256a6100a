"""Pictures of a folder as Kedro-Viz gets them."""

import base64
import io

import numpy as np
from PIL import Image

from mtcm_pipeline.datasets.pictures import PictureFolderDataset


def png(width, height, colour):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def previewed(dataset):
    return Image.open(io.BytesIO(base64.b64decode(dataset.preview())))


def test_pictures_stand_below_each_other_in_order_of_their_names(tmp_path):
    dataset = PictureFolderDataset(filepath=str(tmp_path / "figures"))
    dataset.save(
        {"b.png": png(2000, 100, "blue"), "a.png": png(50, 40, "red"), "n.txt": "x"}
    )
    page = np.asarray(previewed(dataset))
    assert page.shape == (40 + 16 + 50 + 16, 1000, 3)  # the wide one at half its size
    assert (page[20, 20] == (255, 0, 0)).all() and (page[20, 60] == 255).all()
    assert (page[40 + 16 + 25, 990] == (0, 0, 255)).all()


def test_a_folder_without_pictures_has_an_empty_preview(tmp_path):
    dataset = PictureFolderDataset(filepath=str(tmp_path / "figures"))
    dataset.save({"n.txt": "x"})
    assert previewed(dataset).size == (1000, 1)
