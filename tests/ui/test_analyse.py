"""The Analyse tab's handlers: a slow method that is given up leaves the explanation that was there."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.engine.scheduler import LIMITS, Lane, Scheduler
from fakenews.engine.tokens import Token
from fakenews.engine.values import Analysis
from fakenews.ui import render_highlights
from fakenews.ui.analyse import SILENT, Analyse
from fakenews.ui.render import Unit
from fakenews.ui.shown import Shown
from tests.explain.toys import FAKE_WORD

TEXT = f"The {FAKE_WORD} came to town again on Tuesday. " * 8
VISITOR: Any = SimpleNamespace(session_hash="visitor")


def test_cancel_keeps_what_was_explained_and_says_by_which_method(share_engine: Engine) -> None:
    tab = Analyse(share_engine, load("demo"))
    shown = Shown(share_engine.judge.analyse(TEXT), ("tfidf",))
    for _ in tab.explain(shown, "tfidf", "shap", "word", VISITOR):
        pass
    kept, graded = shown.explanations["tfidf"], set(shown.graded)
    assert kept.explainer == "shap"
    slow = tab.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert "Quick" in next(slow)[0]
    tab.cancel(VISITOR)
    status, *stay, method = list(slow)[-1]
    assert "Cancelled" in status and method == "shap"
    assert all(isinstance(part, dict) for part in stay)  # nothing else is drawn
    assert shown.explanations["tfidf"] is kept and shown.graded == graded


@pytest.mark.parametrize(("began", "picked"), [("word", "sentence"), ("sentence", "word")])
def test_a_unit_picked_while_something_is_explained_is_that_of_the_marks_at_the_end(
    share_engine: Engine, began: Unit, picked: Unit
) -> None:
    tab = Analyse(share_engine, load("demo"))
    shown = Shown(share_engine.judge.analyse(TEXT), ("tfidf",))
    under_way = tab.explain(shown, "tfidf", "quick", began, VISITOR)
    assert next(under_way)[1] == render_highlights.highlighted(shown.explanations["tfidf"], began)
    tab.redraw(shown, "tfidf", picked)
    marks = list(under_way)[-1][1]
    assert marks == render_highlights.highlighted(shown.explanations["tfidf"], picked)


def test_a_unit_picked_before_an_explanation_got_its_turn_is_kept(share_engine: Engine) -> None:
    tab = Analyse(share_engine, load("demo"))
    shown = Shown(share_engine.judge.analyse(TEXT), ("tfidf",))
    waits = tab.explain(shown, "tfidf", "quick", "word", VISITOR)
    tab.redraw(shown, "tfidf", "sentence")
    assert next(waits)[1] == render_highlights.highlighted(shown.explanations["tfidf"], "sentence")


def test_the_same_verdict_once_more_is_heard_once_more(share_engine: Engine) -> None:
    tab = Analyse(share_engine, load("demo"))
    for _ in range(2):
        assert tab.begin(VISITOR) == SILENT
        _, heard, *_ = tab.judge("", TEXT, len(TEXT), "word", VISITOR)
        assert heard != SILENT and "TF-IDF" in heard
    _, heard, *_ = tab.judge("", "", 0, "word", VISITOR)
    assert heard == SILENT  # the sentence that says why is an alert


def test_an_address_pasted_as_text_is_sent_to_its_own_field_where_there_is_one(share_engine: Engine) -> None:
    settings = share_engine.settings
    for url_fetch in (True, False):
        tab = Analyse(Engine.open(replace(settings, url_fetch=url_fetch)), load("demo"))
        for text, points in ((" https://example.org/a\n", url_fetch), ("...", False)):
            told, *_ = tab.judge("", text, len(text), "word", VISITOR)
            assert "no words to read" in told and ("“Address”" in told) == points


def test_a_run_that_another_follows_draws_nothing_more(share_engine: Engine) -> None:
    tab = Analyse(share_engine, load("demo"))
    first, second = (Shown(share_engine.judge.analyse(TEXT + more), ("tfidf",)) for more in ("", "Then it left."))
    old = tab.explain(first, "tfidf", "quick", "word", VISITOR)
    next(old)
    new = tab.explain(second, "tfidf", "quick", "word", VISITOR)
    next(new)
    (last,) = old
    assert all(isinstance(part, dict) for part in last)
    assert "done in" in list(new)[-1][0]
    (last,) = tab.explain_first(second, "tfidf", "quick", "word", VISITOR)
    assert all(isinstance(part, dict) for part in last)


def test_a_verdict_is_not_lost_to_an_older_one_that_ends_as_it_begins(
    share_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = Analyse(share_engine, load("demo"))
    begun, older_done, answers = threading.Event(), threading.Event(), []

    def newer() -> None:
        answers.append(tab.judge("", f"{TEXT} Newer.", 0, "word", VISITOR))

    def start(visitor: str) -> Token:
        token = real_start(visitor)
        begun.set()
        return token

    def analyse(text: str, **named: Any) -> Analysis:
        if "Newer" in text:
            assert older_done.wait(10)
        return real_analyse(text, **named)

    def leave(request: Any) -> None:  # the older one, between its look and the end of all that is under way
        if not older_done.is_set():
            begun.clear()
            second.start()
            begun.wait(0.5)
        real_leave(request)

    real_start, real_analyse, real_leave = tab.judging.start, share_engine.judge.analyse, tab.leave
    monkeypatch.setattr(tab.judging, "start", start)
    monkeypatch.setattr(share_engine.judge, "analyse", analyse)
    monkeypatch.setattr(tab, "leave", leave)
    second = threading.Thread(target=newer, daemon=True)
    tab.judge("", TEXT, 0, "word", VISITOR)
    older_done.set()
    second.join(10)
    assert "fn-card" in answers[0][0]


def test_the_page_takes_its_places_in_the_scheduler_as_the_api_does(share_engine: Engine) -> None:
    limits = {lane: replace(LIMITS[lane], running=1, waiting=1, patience=0.1) for lane in Lane}
    scheduler = Scheduler(limits)
    tab = Analyse(Engine.open(share_engine.settings, scheduler=scheduler), load("demo"))
    shown = Shown(share_engine.judge.analyse(TEXT), ("tfidf",))
    with scheduler.slot(Lane.VERDICT):
        card, *_ = tab.judge("", TEXT, len(TEXT), "word", VISITOR)
        assert "Too many articles are being read: try again in a few seconds." in card
    with scheduler.slot(Lane.EXPLANATION):
        first, *_, last = tab.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert "Quick highlights" in first[0] and "Too many explanations are being computed" in last[0]
    assert "fn-card" in tab.judge("", TEXT, len(TEXT), "word", VISITOR)[0]
    assert (scheduler.running(Lane.VERDICT), scheduler.running(Lane.EXPLANATION)) == (0, 0)
