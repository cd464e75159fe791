"""A real model fitted in the test, and the commands as a user runs them on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fakenews.cli import app
from tests.explain.toys import planted_corpus, small_tfidf

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    classifier = small_tfidf().calibrate(*planted_corpus())
    classifier.info_["novelty"] = {"threshold": 0.5}
    classifier.save(folder / "tfidf")
    return folder


@pytest.fixture
def run(models: Path) -> Run:
    def invoke(*arguments: object, stdin: bytes = b"", **environment: str) -> Result:
        environment = {"FAKENEWS_MODELS": str(models), "FAKENEWS_DEVICE": "cpu", "FAKENEWS_DATA": "", **environment}
        return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, env=environment)

    return invoke
