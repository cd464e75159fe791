"""The results of README and docs, written from the evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.tables import replace_results, results_table, summary_table
from fakenews.evidence.files import read_evaluation
from tests.evidence import planted

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


@pytest.fixture
def folder(tmp_path):
    return planted.written(tmp_path / "tinybert")


def test_results_table_has_a_line_per_model_and_one_per_corpus_left_out(folder):
    evidence = read_evaluation(folder)
    bare = replace(evidence, model="tfidf", training={}, latency_ms=None, protocols={})
    table = results_table([evidence, bare])
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    first, per_protocol, per_corpus = rows[2:4], rows[6:9], rows[11:]
    assert [row[0] for row in first] == ["tinybert", "tfidf"]
    assert first[1][1:] == ["–"] * 9
    assert first[0][-1] == "3.0%"  # flipped by formatting
    given = list(evidence.protocols["left-out"].verdicts.values())
    share, right = np.mean([[v.given / v.n, v.accuracy] for v in given], axis=0)
    assert first[0][-2] == f"{100 * share:.0f}%, {100 * right:.0f}% right"
    assert [row[0] for row in per_protocol] == ["As in the notebooks", "Unseen articles", "Corpora left out"]
    assert per_protocol[1][1:3] == [first[0][1], "–"]
    assert per_protocol[2][1:3] == [first[0][5], "–"]  # the mean
    larger = [max(e.n_fake, e.n_real) / e.n for e in evidence.protocols["left-out"].corpora.values()]
    assert (rows[4][-1], per_protocol[2][-1]) == ("always the larger class", f"{100 * np.mean(larger):.0f}%")
    assert [row[:2] for row in per_corpus] == [["`horne2017`", "120"], ["`fakenewsamt`", "80"]]
    assert all(row[-1] == "–" for row in per_corpus)
    assert "- tinybert: trained on " in table and "trained in 24 minutes on cpu, 29.1 MB, 85 ms per" in table
    assert "- tfidf: trained on unnamed rows; split grouped, seed 42, text neutral 1, 29.1 MB" in table
    assert "100%" not in table


def test_results_table_says_what_is_no_better_than_chance(folder):
    evidence = read_evaluation(folder)
    left_out = evidence.protocols["left-out"]
    for auc, told in (((0.45, 0.55), "no better than chance"), ((0.3, 0.4), "worse than chance")):
        corpora = {n: replace(e, intervals={**e.intervals, "roc_auc": auc}) for n, e in left_out.corpora.items()}
        changed = {**evidence.protocols, "left-out": replace(left_out, corpora=corpora)}
        assert told in results_table([replace(evidence, protocols=changed)])


def test_replace_results_touches_only_what_lies_between():
    text = f"head\n{BEGIN}\nold\n{END}\ntail\n"
    once = replace_results(text, "table", "| new |\n")
    assert once == f"head\n{BEGIN}\n| new |\n{END}\ntail\n"
    assert replace_results(once, "table", "| new |") == once


@pytest.mark.parametrize("text", ["none", f"{BEGIN} only", f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_replace_results_needs_its_markers(text):
    with pytest.raises(ValueError, match="once each"):
        replace_results(text, "table", "table")


def test_the_summary_has_a_row_for_each_model_and_eight_columns(folder):
    evidence = read_evaluation(folder)
    header, _, *rows = summary_table([evidence, replace(evidence, model="other", latency_ms=None)]).splitlines()
    assert header.count("|") == 9 and [row.split("|")[1].strip() for row in rows] == [evidence.model, "other"]
    assert rows[1].endswith("| – |")
