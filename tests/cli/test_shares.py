"""The commands around sharing, exporting, scoring and fetching, as a user types them."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fakenews.cli import app
from fakenews.engine import Engine
from fakenews.share.snapshot import Snapshot
from tests.share.conftest import ARTICLE


@pytest.fixture
def run(share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAKENEWS_MODELS", str(share_engine.settings.models))
    monkeypatch.setenv("FAKENEWS_DATABASE_URL", f"sqlite:///{tmp_path / 'shares.db'}")
    monkeypatch.setenv("FAKENEWS_PUBLIC_URL", "https://demo.test/")
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return invoke


def test_share_reviews_unshare(run) -> None:
    shared = json.loads(run("share", "article.txt", "--blind", "--days", "7", "--json").stdout)
    assert shared["link"] == f"https://demo.test/?a={shared['id']}"
    assert shared["owner_link"] == f"https://demo.test/?o={shared['owner']}"
    assert 6 * 86_400_000 < shared["expires"] - 1000 * time.time() <= 7 * 86_400_000
    refused = run("share", "article.txt", "--owner", "nonsense")
    assert refused.exit_code == 2 and refused.stderr.strip() == "This is no owner's key: leave it out for a new one."
    listed = json.loads(run("reviews", shared["owner"]).stdout)
    assert [s["id"] for s in listed["shares"]] == [shared["id"]] and listed["shares"][0]["blind"]
    assert run("reviews", shared["owner"], "--jsonl").stdout == ""
    wrong = run("unshare", "nobody", shared["id"])
    assert wrong.exit_code == 2 and wrong.stderr.startswith("There is nothing under this link")
    assert run("unshare", shared["owner"], shared["id"]).stdout.startswith("Deleted")
    assert json.loads(run("reviews", shared["owner"]).stdout)["shares"] == []


@pytest.mark.parametrize("suffix", ["html", "json", "csv"])
def test_export(run, tmp_path: Path, suffix: str) -> None:
    done = run("export", "article.txt", "--out", f"report.{suffix}", "--model", "tfidf", "--method", "linear")
    assert done.exit_code == 0 and f"report.{suffix}: " in done.stdout
    content = (tmp_path / f"report.{suffix}").read_text(encoding="utf-8")
    if suffix == "json":
        assert Snapshot.from_dict(json.loads(content)).text == ARTICLE
    else:
        assert ("<!doctype html>" in content) if suffix == "html" else content.startswith("start,end,word,tfidf_linear")
    assert run("export", "article.txt", "--out", "report.pdf").exit_code == 2


def test_score(run, tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("headline", "body"), *(("T", ARTICLE) for _ in range(3))])
    done = run("score", "in.csv", "out.jsonl", "--model", "tfidf", "--explain", "linear", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert list(rows[0]) == ["headline", "body", "p_fake_tfidf", "verdict_tfidf", "reasons_tfidf", "words_tfidf"]
    again = run("score", "in.csv", "out.jsonl", "--model", "tfidf")
    assert again.exit_code == 2 and "is there already" in again.stderr
    told = run("score", "in.csv", "out.jsonl", "--model", "tfidf", "--overwrite").stdout
    assert "TF-IDF: " in told and "3 rows" in told
    (tmp_path / "other.csv").write_text(f"id,Texte\n1,{ARTICLE}\n", encoding="utf-8")
    assert '1 row of "Texte"' in run("score", "other.csv", "given.csv", "--text-column", "Texte").stdout
    (tmp_path / "bad.csv").write_text("text\n7,8\n", encoding="utf-8")
    none = run("score", "bad.csv", "none.csv")
    assert none.exit_code == 1 and "none.csv: 0 rows" in none.stdout
    for arguments, message in (
        (("other.csv", "o.csv"), "no column with a usual name for the text: it has id, Texte"),
        (("in.csv", "o.csv", "--engine", "spark"), "Known: local, ray"),
        (("in.csv", "o.csv", "--explain", "limee"), "Unknown explainer"),
        (("in.csv", "o.csv", "--model", "gpt"), "gpt"),
        (("nothing.csv", "o.csv"), "no file nothing.csv"),
        (("in.csv", "o.csv", "--text-column", "x"), "it has headline, body"),
    ):
        wrong = run("score", *arguments)
        assert wrong.exit_code == 2 and message in wrong.stderr and wrong.stderr.count("\n") == 1


def test_extract_meets_the_wall(run) -> None:
    wrong = run("extract", "http://127.0.0.1:8080/")
    assert wrong.exit_code == 2 and "public web page" in wrong.stderr
