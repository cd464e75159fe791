"""Answers as files: no cell is a formula, nothing is lost, and a large set is written in time."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fakenews.engine import Engine
from fakenews.review_sets.exports import COLUMNS, read, to_csv, to_json, to_jsonl
from fakenews.review_sets.preparing import Preparer
from fakenews.review_sets.statistics import SetSummary, summarize
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import MAX_ARTICLES, Answer, Item, ModelAnswer, NewItem, Results
from fakenews.schema import Span
from fakenews.share.keys import hashed
from fakenews.share.storage import Storage
from fakenews.share.tables import REVIEWERS
from tests.explain.toys import FAKE_WORD
from tests.review_sets.sets import random_results, results_of, reviewer
from tests.test_hostile import PAYLOADS

WORDS = f" The {FAKE_WORD} in the city said that the council met on Tuesday to talk about the bridge. " * 4


@pytest.fixture
def sets(tmp_path: Path) -> SetStore:
    return SetStore(Storage(f"sqlite:///{tmp_path / 'shares.db'}"))


def hostile() -> Results:
    """Return a payload at every place that anybody fills."""
    items = [
        Item(i, "fake", payload, payload, payload, (ModelAnswer("tfidf", "TF-IDF", 0.25, "real"),))
        for i, payload in enumerate(PAYLOADS)
    ]
    answers = [Answer(i, "fake", 3, 1.5, "real", (Span(0, 4), Span(7, 9)), p, 12) for i, p in enumerate(PAYLOADS)]
    return results_of(items, [reviewer(i, answers, name) for i, name in enumerate(PAYLOADS, 1)])


def test_no_cell_begins_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(hostile()))))
    assert len(rows) == 1 + len(PAYLOADS) ** 2 and {len(row) for row in rows} == {len(COLUMNS) + 2}
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]


def test_texts_come_back_from_csv_as_they_were() -> None:
    results = hostile()
    rows = list(csv.DictReader(io.StringIO(to_csv(results), newline="")))
    for row in rows[: len(PAYLOADS)]:
        payload = PAYLOADS[int(row["article"]) - 1]
        for column in ("corpus", "article_id", "heading", "comment"):
            assert row[column].removeprefix("'") == payload.removeprefix("'")
        assert row["spans"] == "0-4 7-9" and (row["verdict"], row["after"]) == ("fake", "real")
        assert (row["tfidf_p_fake"], row["tfidf_verdict"]) == ("0.25", "real")


def test_json_lines_hold_every_answer() -> None:
    results = hostile()
    lines = [json.loads(line) for line in to_jsonl(results).split("\n")[:-1]]
    found = iter(lines)
    for r in results.reviewers:
        for item in results.items:
            line = next(found)
            assert (line["reviewer"], line["name"], line["number"]) == (r.number, r.name, item.number)
            assert (line["heading"], line["corpus"], line["label"]) == (item.heading, item.corpus, item.label)
            said = r.answers[item.number].to_dict()
            assert {key: line[key] for key in said} == said
            assert line["models"] == {"tfidf": {"p_fake": 0.25, "verdict": "real"}}
    assert len(lines) == len(PAYLOADS) ** 2


def test_an_article_that_a_model_did_not_read_has_empty_cells() -> None:
    results = random_results(0)
    lines = [json.loads(line) for line in to_jsonl(results).splitlines()]
    rows = list(csv.DictReader(io.StringIO(to_csv(results))))
    for line, row in zip(lines, rows, strict=True):
        assert (line["number"] % 11 == 5) == (line["models"] == {}) == (row["tfidf_verdict"] == "")
        assert f"{line['number'] + 1}" == row["article"] and (line["label"] or "") == row["label"]


def test_json_holds_the_set_and_its_summary() -> None:
    results = random_results(1)
    summary = summarize(results)
    found = json.loads(json.dumps(to_json(results, summary), allow_nan=False))
    assert found["set"]["title"] == "A set" and len(found["items"]) == 30
    assert [len(r["answers"]) for r in found["reviewers"]] == [r.answered for r in summary.reviewers]
    assert SetSummary.from_dict(found["summary"]) == summary


def test_answers_and_weights_come_from_the_storage(share_engine: Engine, sets: SetStore) -> None:
    link = sets.create([NewItem(f"{n} {WORDS.strip()}", "fake") for n in ("One", "Two")], title="A set")
    preparer = Preparer(share_engine, sets)
    while preparer.step():
        pass
    key = sets.begin(link.id, "Ada")
    sets.answer(link.id, key, Answer(0, "fake"))
    sets.answer(link.id, key, Answer(0, "fake", after="fake", spans=(Span(0, 3),)))
    results, weights = read(sets, link.owner, link.id)
    snapshot = sets.snapshot(link.owner, link.id, 0).snapshot
    assert snapshot is not None and set(weights) == {0}
    for explanation in snapshot.explanations:
        assert weights[0][explanation.classifier] == [(a.start, a.end, a.weight) for a in explanation.attributions]
    assert {w.model: w.n for w in summarize(results, weights).words} == {m: 1 for m in weights[0]}
    assert [row["article"] for row in csv.DictReader(io.StringIO(to_csv(results)))] == ["1"]


@pytest.mark.slow
def test_the_largest_set_with_thirty_reviewers_is_exported_in_two_seconds(sets: SetStore) -> None:
    link = sets.create([NewItem(f"Article {i}\n\n{WORDS * 10}") for i in range(MAX_ARTICLES)], title="A set")
    models = [ModelAnswer(m, m, 0.5, "fake").to_dict() for m in ("ensemble", "tinybert", "tfidf")]
    done: dict[str, Any] = {"models": models, "snapshot": None, "size": 0, "problem": None}
    body = {"spans": [[0, 7], [20, 40]], "comment": "No source is named. " * 20}
    said: dict[str, Any] = {"verdict": "fake", "confidence": 3, "seconds": 40.0, "after": "real", "body": body}
    with sets.storage.writing() as connection:
        for number in range(MAX_ARTICLES):
            sets.storage.record(connection, "analysis", hashed(link.id), number=number, **done)
    for i in range(30):
        sets.begin(link.id, f"Reviewer {i}")
    with sets.storage.writing() as connection:
        for of in connection.execute(select(REVIEWERS.c.id)).scalars().all():
            for number in range(MAX_ARTICLES):
                sets.storage.record(connection, "answer", hashed(link.id), reviewer=of, number=number, **said)
    seconds = []
    for _ in range(3):  # the machine may be busy
        started = time.perf_counter()
        content = to_csv(sets.results(link.owner, link.id))
        seconds.append(time.perf_counter() - started)
    assert content.count("\n") == 1 + 30 * MAX_ARTICLES and min(seconds) <= 2.0
