"""The commands around review sets, as a user types them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from fakenews.cli import app
from fakenews.engine import Engine
from fakenews.review_sets import preparing
from fakenews.review_sets.store import SetStore
from fakenews.share.keys import new_key
from fakenews.share.store import ShareStore
from tests.review_sets.conftest import FIRST as ANSWER
from tests.review_sets.conftest import article

Run = Callable[..., Result]


@pytest.fixture
def run(share_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FAKENEWS_MODELS", str(share_engine.settings.models))
    monkeypatch.setenv("FAKENEWS_DATABASE_URL", f"sqlite:///{tmp_path / 'shares.db'}")
    monkeypatch.setenv("FAKENEWS_PUBLIC_URL", "https://demo.test/")
    monkeypatch.setenv("FAKENEWS_DATA", "")
    with (tmp_path / "table.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(article(i), ("hoax", "news")[i % 2]) for i in range(4)]
        csv.writer(file).writerows([("text", "kind"), *rows, ("", "news")])
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["review-set", *arguments])

    return invoke


def test_a_set_of_a_table_from_making_to_deleting(run: Run, tmp_path: Path) -> None:
    made = run("make", "table.csv", "--title", "Ours", "--label", "kind", "--fake", "hoax", "--days", "7", "--json")
    assert made.exit_code == 0, made.output
    assert "hoax is read as fake, news is read as real" in made.stderr and "4 articles analyzed." in made.stderr
    assert "1 row is left out, without a text that can be read." in made.stderr
    link = json.loads(made.stdout)
    assert link["link"] == f"https://demo.test/?s={link['id']}"
    assert link["owner_link"] == f"https://demo.test/?s={link['id']}&o={link['owner']}"
    of = (link["owner"], link["id"])

    sets = SetStore(ShareStore(f"sqlite:///{tmp_path / 'shares.db'}"))
    sets.answer(link["id"], sets.begin(link["id"], "=Ada"), ANSWER)
    sets.storage.close()
    listed = run("list", link["owner"]).stdout
    assert link["id"] in listed and "open" in listed and "Ours" in listed
    assert json.loads(run("list", link["owner"], "--json").stdout)["sets"][0]["n_reviewers"] == 1

    found = json.loads(run("results", *of).stdout)
    assert [item["label"] for item in found["items"]] == ["fake", "real", "fake", "real"]
    assert found["reviewers"][0]["answers"][0]["verdict"] == "fake" and found["summary"]["n_answers"] == 1
    (row,) = csv.DictReader(run("results", *of, "--format", "csv").stdout.splitlines())
    assert (row["name"], row["verdict"], row["label"]) == ("'=Ada", "fake", "fake")
    assert json.loads(run("results", *of, "--format", "jsonl").stdout)["verdict"] == "fake"
    assert "report.html: " in run("results", *of, "--out", "report.html").stdout
    assert (tmp_path / "report.html").read_text().lower().startswith("<!doctype html>")
    assert (
        run("results", *of, "--format", "pdf").stderr.strip() == "Unknown format 'pdf'. Known: json, csv, jsonl, html."
    )

    assert run("close", *of).stdout.startswith("Closed")
    assert "closed" in run("list", link["owner"]).stdout
    assert run("reopen", *of).stdout.startswith("Open again")
    assert "30 days" in run("extend", *of, "--days", "30").stdout
    assert run("forget", *of, "1").stdout == "Reviewer 1 is deleted, with all answers.\n"
    assert run("forget", *of, "1").stderr.strip() == "There is no reviewer 1 in this set."
    assert run("delete", *of).stdout.startswith("Deleted")
    gone = run("results", *of)
    assert gone.exit_code == 2 and gone.stderr.startswith("There is nothing under this link")


def test_a_set_of_a_corpus(run: Run) -> None:
    made = run("make", "--corpus", "demo", "--sample", "labels", "--n", "4", "--title", "Demo", "--open", "--ids-only",
               "--ask", "tfidf", "--json")  # fmt: skip
    assert made.exit_code == 0, made.output
    link = json.loads(made.stdout)
    found = json.loads(run("results", link["owner"], link["id"]).stdout)
    assert sorted(item["label"] for item in found["items"]) == ["fake", "fake", "real", "real"]
    assert all(item["corpus"] == "demo" and item["heading"] for item in found["items"]) and not found["set"]["blind"]
    assert {m["model"] for item in found["items"] for m in item["models"]} <= {"tfidf"}
    ids = [item["article"] for item in found["items"]][:2]
    again = run("make", "--corpus", "demo", "--id", ids[0], "--id", ids[1], "--title", "Two", "--owner", link["owner"])
    assert again.exit_code == 0 and again.stdout.splitlines()[0].startswith("For reviewers: https://demo.test/?s=")
    assert len(run("list", link["owner"]).stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either a table or --corpus"),
        (("table.csv", "--corpus", "demo"), "either a table or --corpus"),
        (("table.csv",), "Give the set a title"),
        (("table.csv", "--title", "x", "--ids-only"), "the rest is for --corpus"),
        (("table.csv", "--title", "x", "--label", "nothing"), "has no column 'nothing'"),
        (("table.csv", "--title", "x", "--label", "kind"), "with --fake"),
        (("table.csv", "--title", "x", "--sample", "best"), "Known: errors, random, labels, cells"),
        (("none.csv", "--title", "x"), "none.csv"),
        (("--corpus", "demo", "--title", "x"), "either --id or --sample"),
        (("--corpus", "nowhere", "--sample", "random", "--title", "x"), "nowhere"),
        (("--corpus", "demo", "--id", "nobody", "--title", "x"), "no article with the id 'nobody'"),
        (("--corpus", "demo", "--sample", "errors", "--title", "x"), "Name a model"),
        (("--corpus", "demo", "--sample", "errors", "--model", "../tfidf", "--title", "x"), "no stored answers"),
        (("table.csv", "--title", "x", "--ask", "gpt"), "gpt"),
        (("table.csv", "--title", "x", "--days", "8"), "7, 30 or 90"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("make", *arguments)
    assert done.exit_code == 2 and message in done.stderr, done.output
    assert "Traceback" not in done.stderr


def test_interrupted_it_leaves_no_set_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, n = preparing.make, 0

    def interrupted(*arguments: object) -> object:
        nonlocal n
        n += 1
        if n == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing, "make", interrupted)
    owner = new_key(32)
    done = run("make", "table.csv", "--title", "Ours", "--owner", owner)
    assert done.exit_code == 130 and done.stderr.strip().endswith("Stopped; the set is deleted.")
    assert "There is no review set" in run("list", owner).stderr


def test_too_many_rows_want_a_sample(run: Run, tmp_path: Path) -> None:
    pd.DataFrame({"text": [article(i) for i in range(201)]}).to_parquet(tmp_path / "many.parquet")
    refused = run("make", "many.parquet", "--title", "Ours")
    assert refused.exit_code == 2 and "up to 200 fit: draw some with --sample" in refused.stderr
    made = run("make", "many.parquet", "--title", "Ours", "--sample", "random", "--n", "2", "--json")
    assert made.exit_code == 0 and "2 articles analyzed." in made.stderr
