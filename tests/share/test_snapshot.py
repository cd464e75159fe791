"""A snapshot goes to JSON and back whole, without its words where they are not to be shared, and knows what changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fakenews.engine import Engine
from fakenews.share.snapshot import HIDDEN, Snapshot, changes, make, redacted
from fakenews.text import sentence_spans
from fakenews.ui.render_verdicts import verdicts
from tests.explain.toys import FAKE_WORD
from tests.share.conftest import ARTICLE


def through_json(snapshot: Snapshot) -> Snapshot:
    return Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict(), allow_nan=False)))


def test_json_and_back_is_the_same(snapshot: Snapshot) -> None:
    assert through_json(snapshot).to_dict() == snapshot.to_dict()
    assert through_json(snapshot).explanations == snapshot.explanations


def test_it_holds_what_a_page_draws(snapshot: Snapshot) -> None:
    assert snapshot.text == ARTICLE
    assert snapshot.heading == f"A {FAKE_WORD} in the town"
    assert [p.model for p in snapshot.analysis.predictions] == ["tfidf", "word2vec"]
    assert snapshot.analysis.formatting is not None
    assert any("Reuters" in snapshot.text[s.start : s.end] for s in snapshot.unread)
    assert set(snapshot.titles) == {"tfidf", "word2vec", "linear", "shap"}


def test_a_page_counts_a_line_end_as_one_character(engine: Engine) -> None:
    made = make(engine, engine.judge.check("", ARTICLE.replace("\n", "\r\n").replace(". ", ".\r", 1)), ["tfidf"])
    assert made.text == ARTICLE.replace(". ", ".\n", 1)
    words = {made.text[a.start : a.end] for a in made.explanations[0].attributions}
    assert {FAKE_WORD, "council"} <= words


def test_a_later_schema_is_refused_in_a_sentence(snapshot: Snapshot) -> None:
    with pytest.raises(ValueError, match="schema 99; this code reads schemas 1 to 2"):
        Snapshot.from_dict({**snapshot.to_dict(), "schema": 99})


def test_a_snapshot_from_before_there_was_one_probability_is_read(snapshot: Snapshot) -> None:
    """Read schema 1, as it lies under links that were given out: with a second probability and a reason of its own."""
    old = json.loads(json.dumps(snapshot.to_dict()))
    old["schema"] = 1
    for prediction in old["analysis"]["predictions"]:
        del prediction["share_fake"]
        prediction |= {
            "margin": prediction.pop("log_odds"),
            "p_elsewhere": 0.25,
            "verdict": "cannot_judge",
            "reasons": ["elsewhere"],
        }
    for explanation in old["explanations"]:
        explanation["margin"] = explanation.pop("log_odds")
        if explanation["grade"]:
            explanation["grade"]["normalised"] = explanation["grade"].pop("normalized")
    read = Snapshot.from_dict(old)
    assert read.explanations == snapshot.explanations
    assert [p.log_odds for p in read.analysis.predictions] == [p.log_odds for p in snapshot.analysis.predictions]
    assert [p.share_fake for p in read.analysis.predictions] == [None, None]
    assert [p.p_fake for p in read.analysis.predictions] == [p.p_fake for p in snapshot.analysis.predictions]
    shown = verdicts(read.analysis, read.titles, read.records)
    assert "n publishers it never saw" in shown and "were labeled fake" not in shown
    assert read.to_dict()["schema"] == 2 and "p_elsewhere" not in json.dumps(read.to_dict())


def test_redacted_keeps_numbers_and_no_word(snapshot: Snapshot) -> None:
    hidden = redacted(snapshot)
    stored = json.dumps(hidden.to_dict())
    assert FAKE_WORD not in stored and "WASHINGTON (Reuters) - The" not in stored and "council" not in stored
    assert set(hidden.text) == {"▇", " ", "\n"}
    for before, after in zip(snapshot.explanations, hidden.explanations, strict=True):
        assert [a.weight for a in after.attributions] == [a.weight for a in before.attributions]
        assert {hidden.text[a.start : a.end] for a in after.attributions} == {HIDDEN}
    assert [p.p_fake for p in hidden.analysis.predictions] == [p.p_fake for p in snapshot.analysis.predictions]
    assert hidden.heading == "" and hidden.unread == ()
    assert through_json(hidden).to_dict() == hidden.to_dict()


def test_redacted_keeps_sentences_apart(snapshot: Snapshot) -> None:
    words = {a.start for a in snapshot.explanations[0].attributions}
    read = [s for s in sentence_spans(snapshot.text) if any(s.start <= w < s.end for w in words)]
    assert len(sentence_spans(redacted(snapshot).text)) == len(read)


def test_nothing_has_changed_today(snapshot: Snapshot, engine: Engine) -> None:
    assert changes(snapshot, engine) == ()


def test_other_weights_a_missing_model_and_another_cleaning_are_told(snapshot: Snapshot, engine: Engine) -> None:
    old = replace(
        snapshot,
        revisions={"tfidf": "000000000000", "cnn": "111111111111"},
        titles={**snapshot.titles, "cnn": "CNN"},
        code={**snapshot.code, "cleaning": 0},
    )
    told = changes(old, engine)
    assert len(told) == 3
    assert "TF-IDF has other weights" in told[0] and "000000000000" in told[0]
    assert told[1] == "CNN is not among today's models."
    assert told[2].startswith("The cleaning of texts has version 1 today, 0 then")
