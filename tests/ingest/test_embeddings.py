"""Embedding files, broken ones included, and when missing ones are computed."""

import io

import numpy as np
import pytest
from ingest_captures import MeanColourEncoder, loaders, npy, picture

from mtcm_pipeline.errors import CaptureError, FileContentError
from mtcm_pipeline.ingest.embedding_files import parse_embedding, read_embeddings
from mtcm_pipeline.ingest.embeddings import EmbeddingCollector, EmbeddingTable

NAMES = tuple(f"f_{i}.png" for i in range(8))
PIXELS = {name: picture(i) for i, name in enumerate(NAMES)}


def by_encoder(encoder, names=NAMES):
    return {n.replace("png", "npy"): npy(encoder.encode([PIXELS[n]])[0]) for n in names}


def completed(files, encoder, pixels=PIXELS, **options):
    return collected(files, lambda: encoder, pixels, **options)


def collected(files, load, pixels=PIXELS, **options):
    collector = EmbeddingCollector(
        read_embeddings(loaders(files), NAMES), load, **options
    )
    for name, picture_of in pixels.items():
        collector.take(name, picture_of)
    return collector.finish()


def test_both_shapes_and_all_real_types_are_read():
    vector = np.arange(384) - 100
    for array in (vector, vector[None], vector.astype(np.float16), vector / 1.0):
        assert np.array_equal(parse_embedding(npy(array), "f.npy"), vector)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy(np.ones(512)), r"\(512,\)"),
        (npy(np.ones((2, 384))), r"\(2, 384\)"),
        (npy(np.r_[np.ones(380), np.full(4, np.nan)]), "4 values"),
        (npy(np.full(384, np.inf)), "384 values"),
        (npy(np.full(384, 1e300)), "infinite"),
        (npy(np.zeros(384)), "all zero"),
        (npy(np.array([{"a": 1}] * 384), allow_pickle=True), "pickled"),
        (npy(np.array(["x"] * 384)), "not numbers"),
        (npy(np.ones(384, dtype=complex)), "not numbers"),
        (npy(np.ones(384))[:-100], "cannot be read"),
        (npy(np.ones(384))[:20], "cannot be read"),
        (b"", r"no \.npy"),
        (b"\x80\x04\x95", r"no \.npy"),
        (b"PK\x03\x04", r"no \.npy"),
    ],
)
def test_a_broken_file_is_refused_by_name(data, said):
    with pytest.raises(FileContentError, match=said) as caught:
        parse_embedding(data, "bad one.npy")
    assert "bad one.npy" in str(caught.value)
    assert "delete it" in str(caught.value)


class Trap:
    """Unpickling this would be noticed."""

    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


def test_nothing_is_ever_unpickled():
    array = np.empty(384, dtype=object)
    array[0] = Trap()
    with pytest.raises(FileContentError, match="pickled"):
        parse_embedding(npy(array, allow_pickle=True), "trap.npy")


def test_files_are_kept_as_they_are_and_one_bad_one_is_a_problem():
    files = {name.replace("png", "npy"): npy(np.full(384, 3.0)) for name in NAMES}
    files["f_2.npy"] = npy(np.ones(100))
    files["stranger.npy"] = npy(np.ones(384))
    stored = read_embeddings(loaders(files), NAMES)
    assert list(stored.problems) == ["f_2.png"]
    assert "f_2.npy" in stored.problems["f_2.png"]
    assert stored.present.tolist() == [i != 2 for i in range(8)]
    assert (stored.vectors[0] == 3.0).all()
    assert "stranger.npy" in stored.notes[0]


def test_a_file_that_cannot_be_opened_is_a_problem():
    def fail():
        raise OSError("disk gone")

    stored = read_embeddings({"f_1.npy": fail}, NAMES)
    assert "disk gone" in stored.problems["f_1.png"]


def test_without_files_all_are_computed_in_batches():
    encoder = MeanColourEncoder()
    table = completed({}, encoder, batch=3)
    assert encoder.batches == [3, 3, 2]
    assert table.present.all()
    assert set(table.encoder) == {"mean_colour"}
    expected = np.concatenate([encoder.encode([PIXELS[n]]) for n in NAMES])
    assert np.array_equal(table.vectors, expected)


def test_with_all_files_no_encoder_is_loaded():
    def forbidden():
        pytest.fail("the encoder was loaded")

    files = by_encoder(MeanColourEncoder())
    table = collected(files, forbidden)
    assert set(table.encoder) == {"file"}


def test_missing_ones_are_computed_when_the_files_are_of_the_same_encoder():
    encoder = MeanColourEncoder()
    files = by_encoder(encoder, NAMES[:5])
    files["f_1.npy"] = npy(np.ones(7))  # broken: missing, and reported
    table = completed(files, encoder)
    assert table.present.all()
    assert table.encoder == ("mean_colour",) * 8  # seen to be its, so they bear its name
    stored = read_embeddings(loaders(files), NAMES)
    assert np.array_equal(table.vectors[stored.present], stored.vectors[stored.present])
    assert "f_1.npy" in table.problems["f_1.png"]


def test_missing_ones_stay_absent_beside_files_of_another_encoder():
    theirs = by_encoder(MeanColourEncoder(seed=1), NAMES[:5])
    table = completed(theirs, MeanColourEncoder(seed=0))
    assert table.present.tolist() == [True] * 5 + [False] * 3
    assert table.encoder[5:] == ("", "", "")
    note = table.notes[-1]
    assert "3 frames" in note
    assert "mean_colour" in note
    assert "delete the files" in note


def test_one_frame_is_spoken_of_in_the_singular():
    theirs = by_encoder(MeanColourEncoder(seed=1), NAMES[:7])
    note = completed(theirs, MeanColourEncoder(seed=0), probe_frames=1).notes[-1]
    assert note.startswith("1 frame stays without embedding: 7 have files, which do not")
    assert "on 1 frame, needed" in note
    own = completed(by_encoder(MeanColourEncoder(), NAMES[:7]), MeanColourEncoder())
    assert own.notes[-1] == "1 embedding computed by mean_colour"


def test_files_of_two_encoders_are_an_error_that_names_frames_of_each():
    files = by_encoder(MeanColourEncoder(seed=0), NAMES[:2])
    files |= by_encoder(MeanColourEncoder(seed=1), NAMES[2:5])
    with pytest.raises(CaptureError, match=r"f_0.*f_1.*f_2.*delete"):
        completed(files, MeanColourEncoder(seed=0))


def test_a_file_of_an_edited_photograph_is_no_second_encoder():
    encoder = MeanColourEncoder()
    files = by_encoder(encoder, NAMES[:5])
    noise = np.random.default_rng(9).normal(size=384)
    # The cosine is about 1 / sqrt(1 + 384 * 0.03 ** 2) = 0.86.
    files["f_0.npy"] = npy(encoder.encode([PIXELS["f_0.png"]])[0] + 0.03 * noise)
    table = completed(files, encoder)
    assert set(table.encoder) == {"file", ""}
    assert "cosine 0.8" in table.notes[-1]


def test_two_kinds_of_length_among_the_files_are_remarked_upon():
    encoder = MeanColourEncoder()
    files = by_encoder(encoder)
    assert read_embeddings(loaders(files), NAMES).notes == ()
    half = {n: npy(np.load(io.BytesIO(f)).astype(np.float16)) for n, f in files.items()}
    assert read_embeddings(loaders(half), NAMES).notes == ()
    files["f_3.npy"] = npy(encoder.encode([PIXELS["f_3.png"]])[0] * 7.0)
    (note,) = read_embeddings(loaders(files), NAMES).notes
    assert "1 of 8" in note and "f_3.png" in note and "another length" in note
    long = {n: npy(np.full(384, 3.0)) for n in files}
    assert read_embeddings(loaders(long), NAMES).notes == ()
    long["f_6.npy"] = npy(np.eye(384)[0])
    (note,) = read_embeddings(loaders(long), NAMES).notes
    assert "1 of 8" in note and "f_6.png" in note and "of unit length" in note


@pytest.mark.parametrize("two", [("dino", "clip"), ("file", "clip")])
def test_a_table_of_two_encoders_is_refused_by_name(two):
    names = ("a.png", "b.png", "c.png", "d.png")
    vectors = np.ones((4, 384), np.float32)
    with pytest.raises(CaptureError, match="2 encoders") as caught:
        EmbeddingTable(names, vectors, (two[0], two[1], two[0], ""))
    message = str(caught.value)
    assert f"'{two[0]}': a.png, c.png" in message
    assert f"'{two[1]}': b.png" in message
    assert "d.png" not in message
    assert EmbeddingTable(names, vectors, ("clip", "", "clip", "clip"))


def test_when_no_frame_can_be_compared_nothing_is_mixed():
    encoder = MeanColourEncoder()
    undecodable = {n: p for n, p in PIXELS.items() if n not in NAMES[:5]}
    table = completed(by_encoder(encoder, NAMES[:5]), encoder, undecodable)
    assert table.present.tolist() == [True] * 5 + [False] * 3
    assert "compare" in table.notes[-1]


def test_frames_that_cannot_be_decoded_stay_absent():
    readable = {n: p for n, p in PIXELS.items() if n != NAMES[3]}
    table = completed({}, MeanColourEncoder(), readable)
    assert table.present.tolist() == [i != 3 for i in range(8)]
    assert np.isnan(table.vectors[3]).all()


def test_presence_and_shape_check():
    table = EmbeddingTable(
        ("a", "b"),
        np.vstack([np.full(384, 2.0), np.full(384, np.nan)]).astype(np.float32),
        ("file", ""),
    )
    assert table.present.tolist() == [True, False]
    with pytest.raises(CaptureError, match="384"):
        EmbeddingTable(("a",), np.ones((1, 100), np.float32), ("file",))
