"""Files of a model are what they were when they were pinned, or it is not loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.model_folder import WrongFile
from fakenews.cli import app
from fakenews.config import REPOSITORY, Settings
from fakenews.engine import Engine
from tests.explain.toys import small_tfidf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "models" / "tfidf"
    small_tfidf().save(found)
    model_folder.pin(found)
    return found


def load(folder: Path) -> None:
    store.load(store.find("tfidf", folder.parent), "cpu")


def test_pinned_files_load(folder: Path) -> None:
    load(folder)
    digest = hashlib.sha256((folder / "model.skops").read_bytes()).hexdigest()
    assert f"{digest}  tfidf/model.skops\n" in (folder.parent / model_folder.SUMS).read_text()


def test_a_truncated_file_is_named(folder: Path) -> None:
    weights = folder / "model.skops"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(WrongFile, match=r"model\.skops is not the file that SHA256SUMS names, it was cut short"):
        load(folder)


def test_a_changed_setting_is_noticed_unless_it_was_changed_through_the_store(folder: Path) -> None:
    model_folder.change_settings(folder, known_share_floor=0.25)
    load(folder)
    (folder / "config.json").write_text((folder / "config.json").read_text().replace("0.25", "0.75"))
    with pytest.raises(WrongFile, match=r"config\.json"):
        load(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "config.json").rename(folder / "config.gone")
    with pytest.raises(WrongFile, match=r"config\.json is missing"):
        model_folder.verify(folder)


def test_what_is_not_pinned_loads(folder: Path) -> None:
    (folder.parent / model_folder.SUMS).unlink()
    load(folder)


def test_what_ships_is_pinned_and_as_it_was() -> None:
    models = REPOSITORY / "models"
    for name in store.shipped(models):
        assert model_folder.pins(models / name)
        model_folder.verify(models / name)


def test_the_command_pins_what_was_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKENEWS_MODELS", str(folder.parent))
    config = folder / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(WrongFile):
        load(folder)
    assert CliRunner().invoke(app, ["pin", "tfidf"]).exit_code == 0
    load(folder)


@pytest.mark.parametrize(
    "name", ["tfidf", "word2vec", "cnn", "features", "tinybert", "mpnet", "ensemble", "ensemble-small"]
)
def test_a_file_cut_short_that_nobody_pinned_is_one_sentence(
    classifiers: dict[str, TextClassifier], name: str, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    for member, classifier in classifiers.items():
        classifier.save(whole / member)
    files = [f for f in (whole / name).iterdir() if f.suffix in (".safetensors", ".skops", ".json")]
    assert len(files) > 1
    for file in files:
        models = tmp_path / file.stem
        shutil.copytree(whole, models)
        (models / name / file.name).write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(WrongFile, match=r"^[^\n]+: bring (its|the) folder back, or train it again\.$"):
            store.load(store.find(name, models), "cpu")


@pytest.mark.parametrize("name", ["tfidf", "word2vec", "cnn", "features", "tinybert", "ensemble"])
def test_a_file_that_lacks_an_entry_is_one_sentence(
    classifiers: dict[str, TextClassifier], name: str, tmp_path: Path
) -> None:
    for member, classifier in classifiers.items():
        classifier.save(tmp_path / member)
    config = tmp_path / name / "config.json"
    found = json.loads(config.read_text())
    del found.get("fakenews", found)["cleaning"]
    config.write_text(json.dumps(found))
    with pytest.raises(WrongFile, match=r"not whole \(MissingEntry\)"):
        store.load(store.find(name, tmp_path), "cpu")


def test_a_fault_of_ours_is_not_blamed_on_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("fakenews.classifiers.tfidf.TfidfClassifier._from_settings", faulty)
    with pytest.raises(KeyError, match="ours"):
        load(folder)
    with pytest.raises(KeyError, match="ours"):
        Engine.open(Settings(models=folder.parent, device="cpu")).pool.classifier("tfidf")
