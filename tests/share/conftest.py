"""A snapshot of two small models, and every kind of storage it can be kept in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakenews.config import Settings
from fakenews.services import Services
from fakenews.share.snapshot import Snapshot, take
from fakenews.share.store import ShareStore
from tests.explain.toys import FAKE_WORD, planted_corpus, small_tfidf, small_word2vec

ARTICLE = (
    f"A {FAKE_WORD} in the town\n\nWASHINGTON (Reuters) - The people in the city said the {FAKE_WORD} was on the road. "
    + "The council met on Tuesday to talk about the bridge, and asked who would pay for it. " * 4
)
POSTGRES = os.environ.get("FAKENEWS_TEST_POSTGRES", "")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    models = tmp_path_factory.mktemp("models")
    for name, classifier in (("tfidf", small_tfidf()), ("word2vec", small_word2vec())):
        classifier.calibrate(*planted_corpus()).save(models / name)
    return Services(Settings(models=models, device="cpu"))


def snapshot_of(services: Services, text: str) -> Snapshot:
    analysis = services.analyse(text).tested(services.formatting_test(text))
    explanations = [
        services.explain(text, "tfidf", "linear"),
        services.explain(text, "word2vec", "shap", n_samples=200),
    ]
    return take(services, analysis, explanations)


@pytest.fixture(scope="session")
def snapshot(services: Services) -> Snapshot:
    return snapshot_of(services, services.check("", ARTICLE))


@pytest.fixture
def postgres() -> Iterator[str]:
    """URL of an empty database on a real server; `FAKENEWS_TEST_POSTGRES` names one with the right to make more."""
    if not POSTGRES:
        pytest.skip("no PostgreSQL here: FAKENEWS_TEST_POSTGRES names none")
    import psycopg

    name = f"fakenews_{secrets.token_hex(6)}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{POSTGRES}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "sqlite and bucket", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShareStore]:
    kind = request.param
    url = request.getfixturevalue("postgres") if kind == "postgres" else f"sqlite:///{tmp_path / 'index' / 'shares.db'}"
    found = ShareStore(url, tmp_path / "bucket" if kind.endswith("bucket") else None)
    yield found
    found.close()
