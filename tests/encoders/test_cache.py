"""Embeddings by content: a second run encodes nothing, a changed image just itself."""

import hashlib

import numpy as np
import pytest

from memory_store import MemoryStore
from mtcm_pipeline.encoders.cache import CachedEncoder, cached_encoder
from mtcm_pipeline.encoders.fixed_projection import project
from mtcm_pipeline.ingest.embedding_files import read_embeddings
from mtcm_pipeline.ingest.embeddings import EmbeddingCollector


class CountingEncoder:
    """Random features from the pixels' digest; remembers what it was asked for."""

    def __init__(self, name="counting", side_px=8):
        self.name, self.side_px = name, side_px
        self.seen = []

    def encode(self, images):
        assert all(image.shape == (self.side_px, self.side_px, 3) for image in images)
        self.seen.extend(images)
        return np.concatenate([self._vector(image) for image in images])

    def _vector(self, image):
        digest = hashlib.sha256(self.name.encode() + image.tobytes()).digest()
        random = np.random.default_rng(list(digest))
        return project(random.normal(size=(1, 20)).astype(np.float32))


class Session:
    """One run: a fresh encoder behind a store that may be older."""

    def __init__(self, store, *, mark="w1", **encoder):
        self.inner = CountingEncoder(**encoder)
        self.loads = 0
        self.cached = CachedEncoder(self._load, store, weights_mark=mark)

    def _load(self):
        self.loads += 1
        return self.inner


def photographs(count=5, side=8, seed=3):
    random = np.random.default_rng(seed)
    return [
        random.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(count)
    ]


def test_vectors_are_the_encoders_own():
    images = photographs()
    session = Session(MemoryStore())
    assert np.array_equal(session.cached.encode(images), CountingEncoder().encode(images))
    assert session.cached.encoded_images == 5
    assert session.cached.encode([]).shape == (0, 384)


def test_a_second_run_encodes_nothing_and_does_not_even_load():
    store, images = MemoryStore(), photographs()
    first = Session(store).cached.encode(images)
    again = Session(store)
    assert (again.cached.name, again.cached.side_px) == ("counting", 8)
    assert np.array_equal(again.cached.encode(images), first)
    assert again.loads == 0 and not again.inner.seen


def test_a_changed_image_is_encoded_anew_and_it_alone():
    store, images = MemoryStore(), photographs()
    before = Session(store).cached.encode(images)
    images[2] = images[2].copy()
    images[2][0, 0, 0] ^= 1
    again = Session(store)
    after = again.cached.encode(images)
    assert len(again.inner.seen) == 1 and np.array_equal(again.inner.seen[0], images[2])
    same = [row for row in range(5) if np.array_equal(before[row], after[row])]
    assert same == [0, 1, 3, 4]


def test_order_and_doubles_do_not_matter():
    store, images = MemoryStore(), photographs()
    vectors = Session(store).cached.encode(images)
    order = [4, 0, 0, 2]
    again = Session(store)
    assert np.array_equal(again.cached.encode([images[i] for i in order]), vectors[order])
    doubles = Session(MemoryStore())
    doubles.cached.encode([images[0]] * 3)
    assert len(doubles.inner.seen) == 1


@pytest.mark.parametrize("other", [{"mark": "w2"}, {"name": "another", "mark": "w2"}])
def test_other_weights_get_none_of_these_vectors(other):
    store, images = MemoryStore(), photographs()
    Session(store).cached.encode(images)
    session = Session(store, **other)
    session.cached.encode(images)
    assert len(session.inner.seen) == 5


def test_photographs_are_squeezed_as_the_network_wants_them():
    large = photographs(3, side=40)
    session = Session(MemoryStore())
    session.cached.encode(large)
    assert session.inner.seen[0].shape == (8, 8, 3)


def test_what_is_broken_in_the_store_is_computed_again():
    store, images = MemoryStore(), photographs()
    first = Session(store).cached.encode(images)
    broken = [key for key in store if key.startswith("embedding")][:2]
    store[broken[0]] = store[broken[0]][:-1]
    store[broken[1]] = np.full(384, np.nan, np.float32).tobytes()
    again = Session(store)
    assert np.array_equal(again.cached.encode(images), first)
    assert len(again.inner.seen) == 2


def test_weights_in_their_usual_place_are_known_by_their_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given = tmp_path / "given.pth"
    given.write_bytes(b"weights")
    usual = tmp_path / "data" / "models" / "dinov2_vits14_pretrain.pth"
    usual.parent.mkdir(parents=True)
    usual.write_bytes(b"weights")
    marks = [
        cached_encoder("dinov2_vits14", weights, MemoryStore())._weights_mark
        for weights in (None, given)
    ]
    assert marks[0] == marks[1]


def test_marks_tell_weights_files_apart_by_their_content(tmp_path):
    a, b, c = (tmp_path / name for name in "abc")
    a.write_bytes(b"weights")
    b.write_bytes(b"weights")
    c.write_bytes(b"others")

    def key_of(weights):
        encoder = cached_encoder("dinov2_vits14", weights, MemoryStore())
        return encoder._weights_mark

    assert key_of(a) == key_of(b) != key_of(c)
    assert len({key_of(a), key_of(tmp_path), key_of(None), key_of("org/model")}) == 4


def test_the_collector_of_ingest_takes_it_as_any_encoder():
    store = MemoryStore()
    images = dict(zip("abcde", photographs(side=30), strict=True))

    def run():
        session = Session(store)
        stored = read_embeddings({}, tuple(images))
        collector = EmbeddingCollector(stored, lambda: session.cached, batch=2)
        for name, pixels in images.items():
            collector.take(name, pixels)
        return session, collector.finish()

    first, table = run()
    assert len(first.inner.seen) == 5 and table.encoder == ("counting",) * 5
    second, again = run()
    assert second.loads == 0
    assert np.array_equal(again.vectors, table.vectors)
    assert again.encoder == table.encoder
