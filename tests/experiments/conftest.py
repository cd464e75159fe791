"""Three corpora, and models of all three, that the suites of corpora left out share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.run import run
from fakenews.training.job import Job
from tests.explain.toys import planted_corpus

NAMES = ("home", "one", "two")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> tuple[Path, ...]:
    """Three corpora that share the deciding words."""
    folder = tmp_path_factory.mktemp("corpora")
    paths = []
    for number, name in enumerate(NAMES):
        texts, labels = planted_corpus(120)
        frame = pd.DataFrame({"title": "", "text": [f"{name}{number} {t} {name}" for t in texts], "label": labels})
        frame.to_parquet(folder / f"{name}.parquet")
        paths.append(folder / f"{name}.parquet")
    return tuple(paths)


@pytest.fixture(scope="module")
def models(of_style, corpora, tmp_path_factory) -> Path:
    """TF-IDF, style features and their ensemble, from all three."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("tfidf", "features", "ensemble"):
        run(Job(name, corpora[0], folder / name, more=corpora[1:]))
    return folder
