"""`fakenews data add` and what follows: one's own articles as a corpus like any other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from fakenews.cli import corpora
from fakenews.config import Settings
from fakenews.data import own, registry
from fakenews.data.mix import with_split
from fakenews.engine import Engine
from fakenews.ui.compare import Compare
from fakenews.ui.measured import Measured, View
from tests.cli.conftest import Run
from tests.explain.toys import planted_corpus
from tests.model_hub import SHA, ModelHub, serving

N = 160


def planted(fake: object = 1, real: object = 0) -> pd.DataFrame:
    """Articles of the planted corpus, with the values that stand for its classes."""
    texts, labels = planted_corpus(N, (40, 60))
    return pd.DataFrame({"text": texts, "label": [(fake, real)[label] for label in labels]})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    planted().to_csv(path, index=False)
    return path


@pytest.fixture
def add(run: Run, data: Path) -> Run:
    return lambda *arguments, **options: run("data", "add", *arguments, **{"FAKENEWS_DATA": str(data), **options})


def refused(result: Result, data: Path, *words: str) -> None:
    sentence = result.stderr.strip().splitlines()[-1]
    assert result.exit_code == 2, result.output
    assert not [word for word in words if word not in sentence], sentence
    assert not data.is_dir() or list(data.iterdir()) == []


def test_bare_labels_are_asked_for_with_what_a_model_says(add: Run, data: Path, table: Path) -> None:
    refused(add("mine", "--from", table), data, "Which label of mine.csv is fake", "--fake 1 or --fake 0",
            "TF-IDF calls 89% of 80 rows labeled 1 and 12% of 80 rows labeled 0 fake")  # fmt: skip


def test_a_corpus_is_one_like_any_other(add: Run, run: Run, data: Path, table: Path, models: Path) -> None:
    result = add("mine", "--from", table, "--fake", 1, "--measure", 60)
    assert result.exit_code == 0, result.output
    assert (
        "Label 1 is read as fake, 0 is read as real: you said so." in result.stderr and "Warning" not in result.stderr
    )
    assert f"{N} articles, 80 fake and 80 real" in result.stdout and "tfidf: n 60, accuracy 80.0%" in result.stdout
    frame = registry.load("mine", data)
    assert set(frame["split"]) == {"train", "validation", "test"} and with_split(frame) is frame
    corpus = own.corpora(data)["mine"]
    assert (corpus.rows, corpus.fake, corpus.unit, corpus.labels) == (N, 80, "article", {"0": "real", "1": "fake"})
    assert sum(corpus.splits.values()) == N and corpus.audit["n"] == N
    settings = Settings(models=models, data=data, device="cpu")
    engine = Engine.open(settings)
    measured = Measured(engine)
    assert ("mine", "mine") in measured.corpora() and measured.unreadable() == {}
    looked = measured.looked(View("mine", "all", "tfidf"))
    assert looked.scored.has_text and looked.result.n == 60 and looked.result.accuracy > 0.7
    assert measured.notes("mine") == "Label 1 was read as fake, 0 was read as real (you said so), from mine.csv."
    evaluation = engine.evidence.evaluation("tfidf")
    assert evaluation and "mine" in evaluation.unseen
    assert ">mine<" in Compare(engine).shown("accuracy")["corpora"]
    environment = {"FAKENEWS_DATA": str(data)}
    listed = json.loads(run("data", "list", "--json", **environment).stdout)
    assert [c["name"] for c in listed["added"]] == ["mine"] and "mine.csv" in run("data", "list", **environment).stdout
    assert run("evaluate", "--model", "tfidf", "--data", "mine", **environment).exit_code == 0
    assert "There is a corpus 'mine'" in add("mine", "--from", table).stderr
    gone = run("data", "remove", "mine", **environment)
    assert gone.exit_code == 0 and [p for p in data.rglob("*") if p.is_file()] == []
    assert "'mine' was not added" in run("data", "remove", "mine", **environment).stderr
    lost = run("evaluate", "--model", "tfidf", "--data", "mine", **environment)
    assert lost.exit_code == 2 and "neither a file nor a corpus here" in lost.stderr


def test_answers_of_other_weights_are_no_evidence(add: Run, data: Path, table: Path, models: Path) -> None:
    assert add("mine", "--from", table, "--fake", 1, "--measure", 60).exit_code == 0
    path = own.evidence_folder(data, "mine", "tfidf") / "evaluation.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    settings = Settings(models=models, data=data, device="cpu")
    assert Engine.open(settings).evidence.evaluation("tfidf") is not None
    values["training"]["revision"] = "0" * 12
    path.write_text(json.dumps(values), encoding="utf-8")
    assert Engine.open(settings).evidence.evaluation("tfidf") is None
    path.write_text("{", encoding="utf-8")
    assert Engine.open(settings).evidence.evaluation("tfidf") is None


def test_labels_the_other_way_round_are_doubted(add: Run, data: Path, table: Path, tmp_path: Path) -> None:
    told = add("mine", "--from", table, "--fake", 0, "--measure", 0)
    assert (
        told.exit_code == 0 and "Warning: Read so, TF-IDF has an accuracy of 12% and a ROC AUC of 0.04" in told.stderr
    )
    named = tmp_path / "named.csv"
    planted("real", "fake").to_csv(named, index=False)
    data = tmp_path / "other"
    result = add("named", "--from", named, FAKENEWS_DATA=str(data))
    refused(result, data, "real is read as real", "may be the other way round", "--fake real or --fake fake")


def test_on_a_terminal_it_is_asked(add: Run, data: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "_is_terminal", lambda: True)
    renamed = table.with_name("renamed.csv")
    pd.read_csv(table).rename(columns={"text": "a", "label": "b"}).to_csv(renamed, index=False)
    result = add("mine", "--from", renamed, "--measure", 0, stdin=b"c\na\nb\n\n")  # the last one is what is suggested
    assert result.exit_code == 0, result.output
    assert own.corpora(data)["mine"].labels == {"0": "real", "1": "fake"}


@pytest.mark.parametrize(
    ("name", "words"),
    [("Mine", ("cannot be a name", "my-news")), ("isot", ("that fakenews knows",)), ("../x", ("cannot be a name",))],
)
def test_names_that_will_not_do_are_refused(
    add: Run, data: Path, table: Path, name: str, words: tuple[str, ...]
) -> None:
    refused(add(name, "--from", table), data, *words)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere.csv", ("no file", "nowhere.csv")),
        ("some words", ("Cannot read",)),
    ],
)
def test_what_is_not_there_is_refused(add: Run, data: Path, source: str, words: tuple[str, ...]) -> None:
    refused(add("mine", "--from", source, "--fake", 1), data, *words)


def test_too_few_articles_leave_nothing(add: Run, data: Path, tmp_path: Path) -> None:
    planted().iloc[:8].to_csv(tmp_path / "few.csv", index=False)
    refused(add("mine", "--from", tmp_path / "few.csv", "--fake", 1), data, "at least 20 different articles, got 8")


def test_a_folder_that_cannot_be_written_is_one_sentence(add: Run, table: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder", encoding="utf-8")
    result = add("mine", "--from", table, "--fake", 1, FAKENEWS_DATA=str(file))
    assert result.exit_code == 2 and "let FAKENEWS_DATA name a folder of your own." in result.stderr
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if not os.access(locked, os.W_OK):
        result = add("mine", "--from", table, "--fake", 1, FAKENEWS_DATA=str(locked))
        assert result.exit_code == 2 and "permission denied" in result.stderr


def test_without_a_folder_corpora_lie_beside_the_models(run: Run, models: Path, table: Path, tmp_path: Path) -> None:
    import shutil

    elsewhere = tmp_path / "place" / "models"
    shutil.copytree(models, elsewhere)
    environment = {"FAKENEWS_MODELS": str(elsewhere), "FAKENEWS_DATA": ""}
    result = run("data", "add", "mine", "--from", table, "--fake", 1, "--measure", 0, **environment)
    assert result.exit_code == 0 and "FAKENEWS_DATA is not set" in result.stdout
    assert (tmp_path / "place" / "data" / "mine.parquet").is_file()
    assert Settings.from_environment(environment).data == tmp_path / "place" / "data"
    assert run("evaluate", "--model", "tfidf", "--data", "mine", **environment).exit_code == 0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, table: Path) -> Iterator[ModelHub]:
    with serving(monkeypatch) as server:
        frame = planted("fake", "real")
        server.models["someone/news"] = {
            "README.md": b"# News",
            "data/train-00000-of-00001.csv": frame.iloc[:120].to_csv(index=False).encode(),
            "data/test-00000-of-00001.csv": frame.iloc[120:].to_csv(index=False).encode(),
        }
        yield server


def test_a_data_set_of_the_hub_is_brought_at_one_commit(add: Run, data: Path, hub: ModelHub) -> None:
    result = add("mine", "--from", "someone/news", "--measure", 0)
    assert result.exit_code == 0, result.output
    assert f"someone/news at {SHA[:12]}: 2 files (data/test-" in result.stderr and "MB, license mit." in result.stderr
    corpus = own.corpora(data)["mine"]
    assert (corpus.rows, corpus.origin) == (N, f"someone/news at {SHA}")
    assert sorted(path.name for path in data.iterdir()) == ["mine.json", "mine.parquet"]


def test_what_the_hub_does_not_give_is_one_sentence(add: Run, data: Path, hub: ModelHub) -> None:
    test = "data/test-00000-of-00001.csv"
    refused(add("mine", "--from", "someone/else"), data, "The Hub shows no data set someone/else")
    refused(add("mine", "--from", "someone/news", "--revision", "v9"), data, "no revision 'v9'")
    refused(add("mine", "--from", "someone/news", "--file", "a.csv"), data, "no file 'a.csv'", test)
    hub.cut.add(test)
    refused(add("mine", "--from", "someone/news"), data, "could not be downloaded")
    hub.cut.clear()
    hub.wrong.add(test)
    refused(add("mine", "--from", "someone/news"), data, f"{test} of someone/news is not the file that the Hub names")
    hub.wrong.clear()
    hub.models["someone/news"]["claims.csv"] = b"text,label\na,fake\n"
    refused(add("mine", "--from", "someone/news"), data, "Which file of someone/news: claims.csv", "--file NAME")
    hub.gated.add("someone/news")
    refused(add("mine", "--from", "someone/news"), data, "someone/news is gated")
    hub.models["someone/nothing"] = {"README.md": b"#"}
    refused(add("mine", "--from", "someone/nothing"), data, "has no table")
