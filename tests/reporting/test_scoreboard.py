"""The scoreboard holds what the evidence holds, marks the best, and leaves gaps where nothing was measured."""

from dataclasses import replace

import numpy as np
import pytest

from fakenews.evidence.results import ModelEvidence, ProtocolResult
from fakenews.metrics.coverage import coverage_risk
from fakenews.metrics.evaluation import evaluate
from fakenews.metrics.flips import ANY, EditFlips, FlipRates
from fakenews.metrics.verdicts import Verdicts
from fakenews.reporting.scoreboard import NOTHING, figure, foreign, scoreboard


def result(rights: dict[str, float], seed: int, formatting: FlipRates | None = None) -> ProtocolResult:
    """Answers to 200 articles per corpus, the given share of them right."""
    rng = np.random.default_rng(seed)
    corpora, coverage = {}, {}
    for name, right in rights.items():
        labels = np.arange(200) % 2
        is_right = np.arange(200) < round(200 * right)
        p_fake = np.where((labels == 0) == is_right, 0.9, 0.1) + rng.uniform(-0.05, 0.05, 200)
        corpora[name] = evaluate(labels, p_fake, n_resamples=50)
        coverage[name] = coverage_risk(labels, p_fake)
    return ProtocolResult("shipped", {}, corpora, coverage, formatting)


def evidence(model: str, home: float, away: float, ms: float, flipped: int | None = None) -> ModelEvidence:
    rates = None if flipped is None else FlipRates(1, "isot/test", 200, {ANY: EditFlips(200, flipped)})
    return ModelEvidence(
        model=model, protocol="grouped", seed=1, cleaning={}, training={"minutes": 3}, size_mb=1.0, latency_ms=ms,
        calibration={},
        protocols={
            "grouped": result({"isot/validation": 0.99, "isot/test": home}, 1, rates),
            "external": result({"horne2017/all": away, "webis2016/all": away - 0.1, "liar/all": 0.5}, 2),
        },
    )  # fmt: skip


@pytest.fixture
def two() -> list[ModelEvidence]:
    return [evidence("tinybert", 0.98, 0.7, 80.0, flipped=2), evidence("tfidf", 0.9, 0.8, 11.0)]


def column(board, title: str):
    at = [c.title for c in board.columns].index(title)
    return [cells[at] for cells in board.rows]


def test_in_domain_is_the_unseen_part_and_out_of_domain_the_mean_over_corpora_of_articles(two):
    board = scoreboard(two, "accuracy")
    assert [c.value for c in column(board, "Unseen articles")] == [0.98, 0.9]
    away = column(board, "mean")
    assert [c.value for c in away] == pytest.approx([0.65, 0.75])
    assert (away[0].text, away[0].detail) == ("65%", "60–70")
    assert set(foreign(two[0])) == {"horne2017", "webis2016"}  # claims are no articles


def test_the_best_of_a_column_is_marked_whichever_way_is_better(two):
    board = scoreboard(two, "accuracy")
    assert [c.best for c in column(board, "Unseen articles")] == [True, False]
    assert [c.best for c in column(board, "mean")] == [False, True]
    assert [c.best for c in column(board, "ms")] == [False, True]
    assert [c.best for c in column(scoreboard(two, "ece"), "mean")] == [
        e == min(c.value for c in column(scoreboard(two, "ece"), "mean"))
        for e in (c.value for c in column(scoreboard(two, "ece"), "mean"))
    ]
    assert [c.best for c in column(board, "train, min")] == [True, True]  # print alike


def test_what_always_answering_with_the_larger_class_reaches_stands_beneath(two):
    board = scoreboard(two, "accuracy")
    known = {c.title: cell.text for c, cell in zip(board.columns, board.guessing, strict=True) if cell.text}
    assert known == {
        "Unseen articles": "50.0%", "mean": "50%", "right at 70% coverage": "50%", "verdicts right": "50%",
    }  # fmt: skip
    assert not any(c.note for c in (*column(board, "Unseen articles"), *column(board, "mean")))
    assert scoreboard(two, "ece").guessing == ()


@pytest.mark.parametrize(
    ("away", "words"),
    [(0.72, ""), (0.56, "no better than the larger class"), (0.4, "worse than the larger class")],
)
def test_figures_that_guessing_reaches_too_say_so(away, words):
    one = evidence("tinybert", 0.98, away, 80.0)
    (mean,) = column(scoreboard([one], "accuracy"), "mean")
    assert mean.note == words
    parts = [figure(e, "accuracy").note for e in foreign(one).values()]
    assert all(words in ("", note) for note in parts)


def test_an_ensemble_costs_what_its_members_cost(two):
    asked = {"minutes": 0.9, "members": "tinybert 0123456789ab, tfidf ba9876543210"}
    together = replace(evidence("ensemble", 0.99, 0.8, 50.0), training=asked, size_mb=0.0005)
    board = scoreboard([*two, together, evidence("cnn", 0.9, 0.8, 4.0)], "accuracy")
    assert [c.value for c in column(board, "MB")] == pytest.approx([1, 1, 2.0005, 1])
    assert [c.value for c in column(board, "train, min")] == pytest.approx([3, 3, 6.9, 3])


def test_what_was_not_measured_is_a_gap_and_never_the_best(two):
    board = scoreboard(two, "roc_auc")
    assert [c.text for c in column(board, "As in the notebooks")] == [NOTHING, NOTHING]
    moved = column(board, "flipped by formatting")
    assert moved[0].text == "1.0%" and not moved[0].best
    assert moved[1] == (None, NOTHING, "", False, "")


def test_the_surest_articles_are_right_more_often_than_all_of_them():
    rng = np.random.default_rng(3)
    labels = np.arange(400) % 2
    sure = rng.uniform(0.5, 1.0, 400)
    right = rng.random(400) < sure
    p_fake = np.where((labels == 0) == right, sure, 1 - sure)
    part = {"horne2017/all": evaluate(labels, p_fake, n_resamples=0)}
    measured = ProtocolResult("shipped", {}, part, {"horne2017/all": coverage_risk(labels, p_fake)})
    one = ModelEvidence("tfidf", "grouped", 1, {}, {}, 1.0, None, {}, {"external": measured})
    (cell,) = column(scoreboard([one], "accuracy"), "right at 70% coverage")
    assert cell.value > part["horne2017/all"].accuracy + 0.03


def test_verdicts_on_other_corpora_are_counted_corpus_by_corpus(two):
    assert [c.text for c in column(scoreboard(two, "accuracy"), "verdicts given")] == [NOTHING, NOTHING]
    external = two[0].protocols["external"]
    told = {"horne2017/all": (80, 60), "webis2016/all": (40, 10), "liar/all": (1, 0)}
    given = {part: Verdicts(100, n, right, right / n, (0.0, 1.0), {}) for part, (n, right) in told.items()}
    known = replace(two[0], protocols={**two[0].protocols, "external": replace(external, verdicts=given)})
    board = scoreboard([known], "roc_auc")
    (share,), (right,) = column(board, "verdicts given"), column(board, "verdicts right")
    assert (share.value, share.text, share.detail) == (pytest.approx(0.6), "60%", "40–80")
    assert (right.value, right.text, right.detail) == (pytest.approx(0.5), "50%", "25–75")
