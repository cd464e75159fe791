"""Exports are whole: a page that needs nothing else and stays small, JSON that reads back, a CSV of every word."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from fakenews.config import Settings
from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.explain.agreement import towards_fake
from fakenews.share.snapshot import Snapshot, make, redacted
from fakenews.share.store import ShareStore
from fakenews.ui import export


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.open(replace(Settings(), max_chars=60_000))


@pytest.fixture(scope="module")
def long(engine: Engine) -> Snapshot:
    """5,000 words and more, explained by both shipped models."""
    demo = load("demo")
    words = " ".join(demo.loc[demo["subject"] != "other-language", "text"]).split()
    text = engine.judge.check("A very long read", "\n".join(" ".join(words[i : i + 60]) for i in range(0, 5200, 60)))
    return make(engine, text)


def test_a_report_of_5000_words_is_small_and_needs_nothing(long: Snapshot) -> None:
    assert long.analysis.n_words > 5000 and len(long.explanations) == 2
    page = export.report(long)
    assert len(page.encode()) < 300_000
    assert not re.findall(r"(?:src|href|action|data)=|url\(|@import|<script|<img|<link", page)
    assert page.count("<section>") >= 2 and page.count("<mark") > 100
    for explanation in long.explanations:
        assert long.titles[explanation.classifier] in page
    for revision in long.revisions.values():
        assert revision in page


def test_a_snapshot_of_5000_words_can_be_shared(long: Snapshot, tmp_path: object) -> None:
    store = ShareStore(f"sqlite:///{tmp_path}/s.db")
    link = store.share(long)
    assert store.get(link.id).snapshot.to_dict() == long.to_dict()
    store.close()


def test_json_reads_back(long: Snapshot) -> None:
    content, media = export.write(long, "json")
    assert media.startswith("application/json") and Snapshot.from_dict(json.loads(content)).to_dict() == long.to_dict()


def test_csv_holds_every_word_and_weight(long: Snapshot) -> None:
    rows = list(csv.DictReader(io.StringIO(export.attributions_csv(long))))
    assert len(rows) == len(long.explanations[0].attributions)
    for explanation in long.explanations:
        column = f"{explanation.classifier}_{explanation.explainer}"
        assert [float(row[column]) for row in rows] == towards_fake(explanation).tolist()
    words = [long.text[int(row["start"]) : int(row["end"])] for row in rows]
    assert all(row["word"].lstrip("'") == word.lstrip("'") for row, word in zip(rows, words, strict=True))


def test_a_report_without_the_text_holds_no_word_of_it(long: Snapshot) -> None:
    page = export.report(redacted(long))
    own = max(long.text.split(), key=len)  # a word that the page itself has no use for
    assert "An analysis without its text" in page and own in export.report(long) and own not in page


def test_dark_follows_the_reader_and_print_keeps_the_colours(long: Snapshot) -> None:
    page = export.report(long)
    assert "prefers-color-scheme:dark" in page and "print-color-adjust" in page
    assert "#fn-tabs" not in page and ".modebar" not in page
