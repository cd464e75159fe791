"""The commands of the laboratory, and what a wrong one is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.tables import RESULTS, SUMMARY
from fakenews.classifiers import model_folder
from fakenews.config import REPOSITORY
from fakenews.evidence.files import read_evaluation
from tests.explain.toys import planted_corpus


@pytest.fixture
def table(tmp_path) -> Path:
    texts, labels = planted_corpus(160)
    pd.DataFrame({"title": "", "text": texts, "label": labels}).to_parquet(tmp_path / "planted.parquet")
    return tmp_path / "planted.parquet"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "bert"), "Unknown recipe 'bert'"),
        (("train", "tfidf"), "FAKENEWS_DATA"),
        (("train", "tfidf", "--data", "a.parquet", "--protocol", "seed"), "give --out a folder of its own"),
        (("train", "tfidf", "--data", "a.parquet", "--teacher", "b"), "The recipe tfidf has no teacher."),
        (("evaluate", "--model", "tfidf"), "--protocol --all is required"),
        (("evaluate", "--model", "tfidf", "--protocol", "seed"), "FAKENEWS_DATA"),
        (("evaluate", "--model", "tfidf", "--protocol", "seed", "--all"), "not allowed with"),
        (("evaluate", "--model", "tfidf", "--data", "a.parquet", "--all", "--weights", "b"), "exactly one protocol"),
        (("neighbors",), "FAKENEWS_DATA"),
    ],
)
def test_a_wrong_command_ends_with_a_sentence(arguments, sentence, monkeypatch, capsys):
    monkeypatch.delenv("FAKENEWS_DATA", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_recipe_is_trained_for_a_protocol_and_the_model_measured_under_it(table, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FAKENEWS_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("FAKENEWS_DATA", raising=False)  # or all corpora there are measured too
    main(("train", "tfidf", "--data", str(table)))
    assert capsys.readouterr().out.endswith(f"tfidf is in {tmp_path / 'models' / 'tfidf'}.\n")
    own = tmp_path / "own"
    main(("train", "tfidf", "--data", str(table), "--protocol", "seed", "--out", str(own)))
    command = capsys.readouterr().out.strip().partition("python -m experiments ")[2]
    main((*command.split(), "--data", str(table)))
    assert "seed  planted/test: n " in capsys.readouterr().out
    evidence = read_evaluation(tmp_path / "models" / "tfidf")
    assert set(evidence.protocols) == {"grouped", "other", "seed"}


def test_the_report_is_what_is_committed(tmp_path, monkeypatch, capsys):
    shutil.copytree(REPOSITORY / "models", tmp_path / "models")
    monkeypatch.setenv("FAKENEWS_MODELS", str(tmp_path / "models"))
    pages = {"--readme": (SUMMARY, tmp_path / "README.md"), "--page": (RESULTS, tmp_path / "page.md")}
    for part, path in pages.values():
        path.write_text(f"<!-- {part}:begin -->\n<!-- {part}:end -->\n", encoding="utf-8")
    main(("report", *(str(value) for option, (_, path) in pages.items() for value in (option, path))))
    assert capsys.readouterr().out.count(" written.") == 10
    for name in ("README.md", "docs/evaluation.md"):
        committed = (REPOSITORY / name).read_text(encoding="utf-8")
        part, path = pages["--readme" if name == "README.md" else "--page"]
        table = path.read_text(encoding="utf-8").strip()
        assert table in committed and f"<!-- {part}:begin -->" in table
    assert model_folder.settings(tmp_path / "models" / "tinybert")["recipe"] == "tinybert-from-mpnet"
