"""Models that come and go while somebody asks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fakenews.classifiers import model_folder
from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from tests.explain.toys import FAKE_WORD, planted_corpus, small_own, small_tfidf

ARTICLE = f"The mayor said the {FAKE_WORD} will report on a new road budget today. " * 5


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("added") / "own-distilbert"
    small_own("distilbert").save(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    small_tfidf().calibrate(*planted_corpus()).save(tmp_path / "tfidf")
    return Settings(models=tmp_path, device="cpu")


def bring(added: Path, settings: Settings, name: str = "mine") -> Path:
    """Copy a model as if it had been added under a name."""
    folder = Path(shutil.copytree(added, settings.models / name))
    model_folder.change_settings(folder, name=name)
    return folder


def test_a_model_that_comes_later_is_asked_by_name_and_does_not_answer_unasked(added: Path, settings: Settings) -> None:
    pool = Engine.open(settings).pool
    assert pool.models == ("tfidf",)
    bring(added, settings)
    assert pool.models == ("tfidf",) and not pool.has("nobody")
    assert pool.models == ("tfidf", "mine") and pool.has("mine")
    assert pool.defaults == pool.side_by_side == ("tfidf",)


def test_a_model_that_was_removed_is_gone_unless_it_is_in_memory(added: Path, settings: Settings) -> None:
    folders = [bring(added, settings, name) for name in ("mine", "other")]
    engine = Engine.open(replace(settings, model_list=("mine", "tfidf")))
    engine.warm_up()
    assert engine.pool.revision("other")
    for folder in folders:
        shutil.rmtree(folder)
    engine.pool.refresh()
    assert engine.pool.models == engine.pool.defaults == ("mine", "tfidf")
    assert engine.judge.analyse(ARTICLE).predictions[0].model == "mine" and engine.pool.title("mine") == "mine"
    assert engine.pool.trained_on("mine") == ()
    with pytest.raises(InputError, match="Unknown model 'other'"):
        engine.pool.classifier("other")


def test_a_model_of_the_same_name_is_the_one_that_is_here(added: Path, settings: Settings) -> None:
    folder = bring(added, settings)
    pool = Engine.open(replace(settings, model_list=("tfidf",))).pool
    before = pool.revision("mine")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + bytes(4))
    pool.refresh()
    assert pool.revision("mine") != before
