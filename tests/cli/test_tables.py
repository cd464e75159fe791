"""Tables and articles at the commands: what was left out, how labels and bytes were read, what may be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Run
from tests.explain.toys import planted_corpus

ARTICLE = "The mayor’s café — the “naïve” one — opened in the city on Monday, officials of the council said. "


@pytest.fixture
def flipped(tmp_path: Path) -> Path:
    """Return a table in which 1 means fake, with two rows that have no text."""
    texts, labels = planted_corpus(40)
    path = tmp_path / "flipped.csv"
    rows = {"title": ["", "Alone"], "text": ["", " "], "label": [0, 1]}
    table = pd.DataFrame({"title": "", "text": texts, "label": [1 - label for label in labels]})
    pd.concat([table, pd.DataFrame(rows)]).to_csv(path, index=False)
    return path


def test_an_article_is_read_in_any_encoding_that_a_table_is(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    answers = set()
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"):
        path.write_bytes(ARTICLE.encode(encoding))
        answers.add(json.dumps(json.loads(run("predict", path, "--json").stdout)["predictions"]))
    assert len(answers) == 1
    path.write_bytes(f"{ARTICLE} Привет мир.".encode("cp1251", "replace"))
    refused = run("predict", path)
    assert refused.exit_code == 2 and "neither UTF-8 nor Windows-1252" in refused.stderr
    assert run("predict", path, "--encoding", "cp1251").exit_code == 0
    assert "Unknown encoding" in run("predict", path, "--encoding", "no-such").stderr
    refused = run("predict", "-", stdin=b"PK\x03\x04[Content_Types].xml")
    assert refused.exit_code == 2 and refused.stderr.startswith("The text is an Office file")


@pytest.mark.parametrize("raw", [b"quartz \xff\xfe\xed\xa0\x80 vow " * 30, b"quartz \xed\xa0\x80 vow " * 30])
def test_an_article_in_no_encoding_is_refused_in_a_sentence(run: Run, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    refused = run("predict", tmp_path / "a.txt")
    assert refused.exit_code == 2 and refused.stderr.startswith("a.txt is neither UTF-8 nor Windows-1252")


def test_labels_the_other_way_round_are_warned_of_and_can_be_said(run: Run, flipped: Path) -> None:
    asked = ("evaluate", "--model", "tfidf", "--data", flipped)
    lines = run(*asked).stdout.splitlines()
    assert "Label 0 is read as fake and 1 is read as real." in lines
    assert "2 of 42 rows have no text and are left out (1 with a title alone)." in lines
    assert lines[-1].startswith("ROC AUC lies below 0.5 (") and lines[-1].endswith("say so with --fake 1.")
    answer = json.loads(run(*asked, "--json").stdout)
    assert (answer["n"], answer["rows"], answer["rows_without_text"]) == (40, 42, 2)
    assert answer["labels"] == {"0": "fake", "1": "real"} and answer["warning"] == lines[-1]
    answer = json.loads(run(*asked, "--fake", "1", "--json").stdout)
    assert answer["labels"] == {"0": "real", "1": "fake"} and answer["warning"] is None
    assert answer["roc_auc"] == 1.0
    assert "cannot stand for fake" in run(*asked, "--fake", "no").stderr


def test_audit_split_and_score_count_the_rows_without_text(run: Run, flipped: Path, tmp_path: Path) -> None:
    told = "2 of 42 rows have no text and are left out (1 with a title alone)."
    lines = run("data", "audit", flipped, "--fake", "1").stdout.splitlines()
    assert lines[-2:] == ["Label 1 is read as fake and 0 is read as real.", told]
    read = json.loads(run("data", "audit", flipped, "--json").stdout)["read"]
    assert read == {"rows": 42, "rows_without_text": 2, "labels": {"0": "fake", "1": "real"}}
    out = tmp_path / "t.parquet"
    assert told in run("data", "split", flipped, "--out", out, "--fake", "1").stdout
    assert pd.read_parquet(out)["label"].tolist() == planted_corpus(40)[1]
    scored = run("score", flipped, tmp_path / "out.csv", "--model", "tfidf").stdout
    assert '40 rows of "text"' in scored and "2 could not be scored (2 without text)" in scored
    answer = run("score", flipped, tmp_path / "out.csv", "--model", "tfidf", "--overwrite", "--json").stdout
    assert json.loads(answer)["rows_without_text"] == 2


def test_two_columns_of_one_name_are_asked_about_by_every_command(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Text,text,label\nA town met.,A town met again.,1\nNo.,Never.,0\n", encoding="utf-8")
    asked = "t.csv has the columns Text and text: which one holds the text?"
    for command in (("evaluate", "--model", "tfidf", "--data", path), ("data", "audit", path)):
        assert run(*command).stderr.startswith(asked)
    score = ("score", path, tmp_path / "out.csv", "--model", "tfidf")
    assert run(*score).stderr.startswith(asked)
    assert run(*score, "--text-column", "Text").exit_code == 0


def test_one_option_is_not_for_several_tables(run: Run, flipped: Path) -> None:
    refused = run("train", "tfidf", "--data", flipped, "--data", flipped, "--fake", "1")
    assert refused.exit_code == 2 and 'experiments train" takes several' in refused.stderr
