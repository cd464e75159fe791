"""What answers come to: the same from the exported CSV by nltk and by hand, and what cannot be said."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections import Counter
from itertools import combinations
from random import Random
from typing import Any

import pytest
from nltk.metrics.agreement import AnnotationTask

from fakenews.review_sets.exports import to_csv
from fakenews.review_sets.statistics import (
    ALONE,
    MANY,
    MAX_PAIRED,
    ONE_ANSWER,
    MindChanges,
    Rate,
    SetSummary,
    marked,
    summarize,
)
from fakenews.review_sets.values import Answer, Results
from fakenews.schema import Span
from tests.review_sets.sets import MODELS, item, random_results, results_of, reviewer

SEEDS = range(5)


def rows_of(results: Results) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(results))))


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson, 1927, as textbooks print it."""
    z, p = statistics.NormalDist().inv_cdf(0.975), part / whole
    center, half = p + z * z / (2 * whole), z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return (center - half) / (1 + z * z / whole), (center + half) / (1 + z * z / whole)


def check_rate(rate: Rate, right: list[bool]) -> None:
    assert (rate.part, rate.whole) == (sum(right), len(right))
    if right:
        assert rate.share == pytest.approx(sum(right) / len(right))
        assert rate.interval == pytest.approx(wilson(sum(right), len(right)))
    else:
        assert rate.share is None and rate.interval is None


def mode(verdicts: list[str]) -> str | None:
    most = Counter(verdicts).most_common(2)
    return None if not most or (len(most) == 2 and most[0][1] == most[1][1]) else most[0][0]


@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_is_that_of_nltk(seed: int) -> None:
    results = random_results(seed)
    task = AnnotationTask([(row["reviewer"], row["article"], row["verdict"]) for row in rows_of(results)])
    found = summarize(results).alpha
    assert found.alpha == pytest.approx(task.alpha()) and found.why == ""
    assert found.interval is not None and found.interval[0] < found.alpha < found.interval[1]
    assert found == summarize(results).alpha


def test_the_interval_of_alpha_is_that_of_nltk_over_articles_drawn_again() -> None:
    results, random = random_results(0), Random(0)
    found, rows = summarize(results).alpha, rows_of(results)
    articles = [[r for r in rows if r["article"] == article] for article in sorted({r["article"] for r in rows})]
    articles = [these for these in articles if len(these) > 1]
    drawn = [random.choices(articles, k=len(articles)) for _ in range(400)]
    tasks = ([(r["reviewer"], i, r["verdict"]) for i, these in enumerate(sample) for r in these] for sample in drawn)
    cuts = statistics.quantiles([AnnotationTask(task).alpha() for task in tasks], n=40)
    assert found.interval == pytest.approx((cuts[0], cuts[-1]), abs=0.04)


@pytest.mark.parametrize("seed", SEEDS)
def test_kappas_are_those_of_nltk(seed: int) -> None:
    results = random_results(seed)
    summary, rows = summarize(results), rows_of(results)
    said = {f"Reviewer {i}": {r["article"]: r["verdict"] for r in rows if r["reviewer"] == f"{i}"} for i in range(1, 7)}
    for model, title in MODELS:
        said[title] = {r["article"]: r[f"{model}_verdict"] for r in rows if r[f"{model}_verdict"]}
    people = [name for name in said if name.startswith("Reviewer")]
    pairs = [*combinations(people, 2), *((p, title) for p in people for _, title in MODELS)]
    found = {(k.first, k.second): k for k in (*summary.kappas, *summary.model_kappas)}
    assert set(found) == set(pairs)
    for a, b in pairs:
        both = [article for article in said[a] if article in said[b]]
        task = AnnotationTask([(name, article, said[name][article]) for article in both for name in (a, b)])
        assert found[a, b].n == len(both)
        assert found[a, b].agreed == pytest.approx(task.Ao(a, b))
        assert found[a, b].kappa == pytest.approx(task.kappa_pairwise(a, b))


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_of_reviewers_are_those_of_the_table(seed: int) -> None:
    results = random_results(seed)
    summary, rows = summarize(results), rows_of(results)
    assert (summary.n_articles, summary.n_answers) == (30, len(rows))
    for found in summary.reviewers:
        mine = [row for row in rows if row["reviewer"] == f"{found.number}"]
        assert found.answered == len(mine)
        assert found.cannot_judge == sum(row["verdict"] == "cannot_judge" for row in mine)
        labeled = [row for row in mine if row["label"]]
        check_rate(found.accuracy, [r["verdict"] == r["label"] for r in labeled if r["verdict"] != "cannot_judge"])
        last = [(row["after"] or row["verdict"], row["label"]) for row in labeled]
        assert found.after is not None
        check_rate(found.after, [verdict == label for verdict, label in last if verdict != "cannot_judge"])
        others = {
            row["article"]: mode([r["verdict"] for r in rows if r["article"] == row["article"] and r not in mine])
            for row in mine
        }
        check_rate(found.majority, [r["verdict"] == others[r["article"]] for r in mine if others[r["article"]]])
        assert found.seconds == statistics.median(float(row["seconds"]) for row in mine if row["seconds"])
        assert found.confidence == pytest.approx(statistics.fmean(int(row["confidence"]) for row in mine))


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_of_models_and_articles_are_those_of_the_table(seed: int) -> None:
    results = random_results(seed)
    summary, rows = summarize(results), rows_of(results)
    by_article = {row["article"]: [r for r in rows if r["article"] == row["article"]] for row in rows}
    majority = {article: mode([r["verdict"] for r in these]) for article, these in by_article.items()}
    for found in summary.models:
        said = {a: (r[0][f"{found.model}_verdict"], r[0]["label"]) for a, r in by_article.items()}
        said = {article: pair for article, pair in said.items() if pair[0]}
        assert found.analyzed == len(said)
        assert found.no_verdict == sum(verdict == "cannot_judge" for verdict, _ in said.values())
        check_rate(found.accuracy, [v == label for v, label in said.values() if label and v != "cannot_judge"])
        check_rate(
            found.majority, [v == majority[a] for a, (v, _) in said.items() if majority[a] and v != "cannot_judge"]
        )
    for article in summary.articles:
        counts = Counter(r["verdict"] for r in by_article[f"{article.number + 1}"])
        assert counts == Counter(fake=article.fake, real=article.real, cannot_judge=article.cannot_judge)
        shares = [n / counts.total() for n in counts.values()]
        assert article.entropy == pytest.approx(-sum(share * math.log2(share) for share in shares))
        assert article.majority == majority[f"{article.number + 1}"]
    entropies = [article.entropy or 0.0 for article in summary.articles]
    assert entropies == sorted(entropies, reverse=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_minds_are_those_of_the_table(seed: int) -> None:
    results = random_results(seed)
    summary, rows = summarize(results), rows_of(results)
    assert summary.lead == "tinybert"
    for number, found in [*((r.number, r.changes) for r in summary.reviewers), (None, summary.changes)]:
        seen = [r for r in rows if r["after"] and number in (None, int(r["reviewer"]))]
        changed = [r for r in seen if r["after"] != r["verdict"]]
        assert found == MindChanges(
            n=len(seen),
            changed=len(changed),
            towards_label=sum(r["after"] == r["label"] for r in changed),
            away_from_label=sum(r["verdict"] == r["label"] for r in changed),
            towards_model=sum(r["after"] == r["tinybert_verdict"] != "cannot_judge" for r in changed),
        )


def test_changed_minds_by_hand() -> None:
    items = [item(0, "fake", tfidf="real", ensemble="fake"), item(1, "real", ensemble="fake"), item(2, ensemble="real")]
    answers = [
        Answer(0, "real", after="fake"),  # to the label, and to the ensemble
        Answer(1, "real", after="fake"),  # off the label, to the ensemble
        Answer(2, "fake", after="cannot_judge"),  # neither
    ]
    ben = [Answer(0, "fake", after="fake"), Answer(1, "real")]  # stays, and has not said
    summary = summarize(results_of(items, [reviewer(1, answers), reviewer(2, ben)]))
    assert summary.lead == "ensemble"
    assert summary.reviewers[0].changes == MindChanges(3, 3, 1, 1, 2)
    assert summary.reviewers[1].changes == MindChanges(1, 0, 0, 0, 0)
    assert summary.changes == MindChanges(4, 3, 1, 1, 2)


def test_accuracy_after_is_that_of_verdicts_that_stand() -> None:
    items = [item(0, "fake"), item(1, "fake"), item(2, "real")]
    answers = [Answer(0, "real", after="fake"), Answer(1, "fake"), Answer(2, "cannot_judge")]
    (found,) = summarize(results_of(items, [reviewer(1, answers)])).reviewers
    assert (found.accuracy.part, found.accuracy.whole) == (1, 2)
    assert found.after is not None and (found.after.part, found.after.whole) == (2, 2)
    (found,) = summarize(results_of(items, [reviewer(1, answers)], blind=False)).reviewers
    assert found.after is None


ALIKE = {i: "fake" for i in range(4)}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([], ALONE),
        ([ALIKE], ALONE),
        ([{0: "fake"}, {1: "real"}], ALONE),
        ([ALIKE, ALIKE], ONE_ANSWER),
        ([{0: "fake", 1: "fake"}, {0: "fake", 2: "real"}], ONE_ANSWER),
    ],
)
def test_alpha_is_not_given_where_it_is_not_defined(answers: list[Any], why: str) -> None:
    items = [item(i, "fake", tfidf="fake") for i in range(4)]
    summary = summarize(results_of(items, [reviewer(i, a) for i, a in enumerate(answers, 1)]))
    assert summary.alpha.alpha is None and summary.alpha.interval is None and summary.alpha.why == why
    assert all(kappa.kappa is None for kappa in summary.kappas)


def test_full_agreement_has_no_interval_and_kappa_one() -> None:
    same = {0: "fake", 1: "real", 2: "fake", 3: "cannot_judge"}
    summary = summarize(results_of([item(i) for i in range(4)], [reviewer(1, same), reviewer(2, same)]))
    assert (summary.alpha.alpha, summary.alpha.interval, summary.alpha.n) == (1.0, None, 4)
    assert [k.kappa for k in summary.kappas] == [1.0]


def test_without_labels_nothing_is_right_or_wrong() -> None:
    summary = summarize(results_of([item(0, tfidf="fake")], [reviewer(1, {0: "fake"}), reviewer(2, {0: "fake"})]))
    assert summary.n_labeled == 0
    assert [x.accuracy for x in (*summary.reviewers, *summary.models)] == [Rate(0, 0, None, None)] * 3
    assert [x.majority.part for x in (*summary.reviewers, *summary.models)] == [1, 1, 1]


def test_an_empty_set_can_be_summarized() -> None:
    summary = summarize(results_of([item(0)], []))
    assert (summary.n_answers, summary.models, summary.kappas, summary.words) == (0, (), (), ())
    assert summary.articles[0].entropy is None and summary.articles[0].majority is None


def test_a_name_is_given_once() -> None:
    names = ["Ada", "Ada", "ada", "Ada (2)", "TF-IDF", "Ben"]
    reviewers = [reviewer(i, {0: "fake"}, name) for i, name in enumerate(names, 1)]
    summary = summarize(results_of([item(0, tfidf="fake")], reviewers))
    found = [r.name for r in summary.reviewers]
    assert found == ["Ada", "Ada (2)", "ada (3)", "Ada (2) (2)", "TF-IDF (reviewer)", "Ben"]


def test_many_reviewers_are_not_compared_in_pairs() -> None:
    reviewers = [reviewer(i, {0: "fake", 1: "real"}) for i in range(1, MAX_PAIRED + 2)]
    items = [item(0, tfidf="fake"), item(1, tfidf="real")]
    summary = summarize(results_of(items, reviewers))
    assert (summary.kappas, summary.kappas_missing) == ((), MANY)
    assert len(summary.model_kappas) == MAX_PAIRED + 1
    assert summarize(results_of(items, reviewers[:-1])).kappas_missing == ""


def test_words_are_ranked_against_the_marks() -> None:
    words = [(0, 3), (4, 7), (8, 11), (12, 15)]
    ada = Answer(0, "fake", spans=(Span(0, 3), Span(4, 7)))
    ben = Answer(0, "fake", spans=(Span(2, 3),))  # a part of the first word marks it
    cyd = Answer(0, "real")  # marks nothing, and counts for nothing
    all_of_it = Answer(1, "fake", spans=(Span(0, 15),))
    reviewers = [reviewer(1, [ada, all_of_it]), reviewer(2, [ben]), reviewer(3, [cyd])]
    results = results_of([item(0, tfidf="fake", tinybert="fake"), item(1, tfidf="fake")], reviewers)
    assert marked(results) == [0, 1]
    weights = {
        0: {
            "tfidf": [(*w, v) for w, v in zip(words, (-4.0, 3.0, 0.5, -0.5), strict=True)],
            "tinybert": [(*w, v) for w, v in zip(words, (0.1, 0.2, -3.0, 3.0), strict=True)],
        },
        1: {"tfidf": [(*w, 1.0 + i) for i, w in enumerate(words)]},  # all words marked: no order to compare
    }
    found = {w.model: w for w in summarize(results, weights).words}
    # Shares are 1, 1/2, 0, 0; with ties in both, tfidf ranks the same way and tinybert the other way round.
    assert (found["tfidf"].n, found["tfidf"].agreement) == (1, pytest.approx(1.0))
    assert (found["tinybert"].n, found["tinybert"].title) == (1, "TinyBERT")
    assert found["tinybert"].agreement == pytest.approx(-1.0)


def test_a_summary_survives_json() -> None:
    summary = summarize(random_results(0))
    assert SetSummary.from_dict(summary.to_dict()) == summary
