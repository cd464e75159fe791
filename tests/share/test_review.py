"""Agreement by hand-made reviews whose κ is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakenews.schema import Span
from fakenews.share.review import Review, summarize
from fakenews.share.snapshot import Snapshot


def with_verdict(snapshot: Snapshot, verdict: str) -> Snapshot:
    predictions = tuple(replace(p, verdict=verdict) for p in snapshot.analysis.predictions)  # type: ignore[arg-type]
    return replace(snapshot, analysis=replace(snapshot.analysis, predictions=predictions))


def review(name: str, verdict: str, first: str | None = None, spans: tuple[Span, ...] = ()) -> Review:
    return Review(name, 1, 2, first, verdict, {}, spans)  # type: ignore[arg-type]


def test_kappa_between_reviewers_and_with_each_model(snapshot: Snapshot) -> None:
    # Ada: fake fake real real; Bob: fake real real real; models: fake fake fake real.
    said = [("fake", "fake", "fake"), ("fake", "real", "fake"), ("real", "real", "fake"), ("real", "real", "real")]
    items = [
        (with_verdict(snapshot, model), [review("Ada", ada), review("bob", bob if i else "fake"), review("BOB ", bob)])
        for i, (ada, bob, model) in enumerate(said)
    ]
    found = {(k.first, k.second): k for k in summarize(items).verdicts}
    models = [snapshot.titles[p.model] for p in snapshot.analysis.predictions]
    assert set(found) == {("Ada", "bob"), *((r, m) for r in ("Ada", "bob") for m in models)}
    # Observed agreement 3/4; by chance 1/2 · 1/4 + 1/2 · 3/4 = 1/2: κ = 1/2.
    assert found["Ada", "bob"].n == 4
    assert found["Ada", "bob"].agreed == 0.75 and found["Ada", "bob"].kappa == pytest.approx(0.5)
    # Ada and the models: 3/4 observed, 1/2 · 3/4 + 1/2 · 1/4 = 1/2 by chance.
    assert found["Ada", "TF-IDF"].kappa == pytest.approx(0.5)


def test_kappa_is_not_made_up_where_it_is_not_defined(snapshot: Snapshot) -> None:
    one = [(with_verdict(snapshot, "fake"), [review("Ada", "fake"), review("Bob", "fake")])]
    assert {k.kappa for k in summarize(one).verdicts} == {None}
    assert {k.kappa for k in summarize(one * 3).verdicts} == {None}, "one answer throughout"
    assert all(k.agreed == 1.0 for k in summarize(one * 3).verdicts)


def test_the_verdict_before_the_models_were_seen_counts_and_changes_are_counted(snapshot: Snapshot) -> None:
    items = [
        (with_verdict(snapshot, "fake"), [review("Ada", "fake", first="real")]),
        (
            with_verdict(snapshot, "real"),
            [review("Ada", "fake", first="fake"), replace(review("Bob", "fake"), finished=None)],
        ),
    ]
    summary = summarize(items)
    assert (summary.blind_reviews, summary.mind_changed) == (2, 1)
    ada = next(k for k in summary.verdicts if k.second == "TF-IDF")
    assert ada.agreed == 0.0 and ada.kappa == pytest.approx(-1.0)
    assert not [k for k in summary.verdicts if "Bob" in (k.first, k.second)], "begun is not said"


def test_a_second_blind_verdict_under_one_name_is_none(snapshot: Snapshot) -> None:
    begun = replace(review("Ada", "fake", first="real"), finished=None, verdict=None)
    for first in (review("Ada", "real", first="real"), begun):
        items = [(with_verdict(snapshot, "fake"), [first, review("ada ", "fake", first="fake")])] * 2
        summary = summarize(items)
        assert (summary.blind_reviews, summary.mind_changed) == (2, 2)
        assert {k.agreed for k in summary.verdicts} == {0.0}, "the verdict given once the answers were seen counted"


def test_a_reviewer_named_like_a_model_is_not_the_model(snapshot: Snapshot) -> None:
    marked = (Span(0, snapshot.text.index("town")),)
    items = [(with_verdict(snapshot, "fake"), [review("tf-idf", "real", spans=marked), review("Ada", "real")])]
    summary = summarize(items)
    found = {(k.first, k.second): k.agreed for k in summary.verdicts}
    assert found["tf-idf (reviewer)", "Ada"] == 1.0
    assert found["tf-idf (reviewer)", "TF-IDF"] == found["Ada", "TF-IDF"] == 0.0
    assert ("tf-idf (reviewer)", "TF-IDF") in {(k.first, k.second) for k in summary.marks}


def test_marks_are_compared_word_by_word(snapshot: Snapshot) -> None:
    text = snapshot.text
    first = Span(0, text.index("town"))
    items = [(snapshot, [review("Ada", "fake", spans=(first,)), review("Bob", "fake", spans=(first,))])]
    both = next(k for k in summarize(items).marks if {k.first, k.second} == {"Ada", "Bob"})
    assert both.kappa == pytest.approx(1.0) and both.n == len(snapshot.explanations[0].attributions)
    rest = Span(first.end, len(text))
    items = [(snapshot, [review("Ada", "fake", spans=(first,)), review("Bob", "fake", spans=(rest,))])]
    both = next(k for k in summarize(items).marks if {k.first, k.second} == {"Ada", "Bob"})
    assert both.agreed == 0.0 and both.kappa is not None and both.kappa < 0
    models = {snapshot.titles[e.classifier] for e in snapshot.explanations}
    assert {k.second for k in summarize(items).marks if k.first == "Ada"} == {"Bob", *models}


def test_no_reviews_come_to_nothing(snapshot: Snapshot) -> None:
    assert summarize([(snapshot, [])]).to_dict() == {"verdicts": [], "marks": [], "blind_reviews": 0, "mind_changed": 0}
