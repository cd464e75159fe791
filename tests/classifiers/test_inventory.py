"""The list of models that are here, whatever state their files are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakenews.classifiers.inventory import memory_mb
from tests.explain.toys import planted_corpus, small_word2vec


def test_memory_follows_from_the_weights_and_is_not_known_of_a_file_cut_short(tmp_path: Path) -> None:
    small_word2vec().calibrate(*planted_corpus()).save(tmp_path / "word2vec")
    known = memory_mb(tmp_path / "word2vec")
    assert known and known == pytest.approx(2 * (memory_mb(tmp_path / "word2vec", bytes_each=2) or 0.0))
    (file,) = (tmp_path / "word2vec").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:5])
    assert memory_mb(tmp_path / "word2vec") is None
