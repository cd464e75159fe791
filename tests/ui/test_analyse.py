"""The Analyse tab's handlers: a slow method that is given up leaves the explanation that was there."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.engine.scheduler import LIMITS, Lane, Scheduler
from fakenews.engine.tokens import Token
from fakenews.engine.values import Analysis
from fakenews.review_sets.preparing import Preparer
from fakenews.review_sets.store import SetStore
from fakenews.share.store import ShareStore
from fakenews.ui import render_highlights
from fakenews.ui.analyse import Analyse
from fakenews.ui.answer import SILENT
from fakenews.ui.render import Unit
from fakenews.ui.shown import Shown
from fakenews.ui.widgets import Drawn
from tests.explain.toys import FAKE_WORD
from tests.ui.drawing import drawn

TEXT = f"The {FAKE_WORD} came to town again on Tuesday. " * 8
VISITOR: Any = SimpleNamespace(session_hash="visitor")


def tab_of(engine: Engine, folder: Path) -> Analyse:
    """Draw the tab on a page of its own."""
    store = ShareStore(f"sqlite:///{folder}/shares.db")
    preparer = Preparer(engine, SetStore(store))
    return drawn(lambda: Analyse(engine, store, load("demo"), gr.BrowserState(""), preparer))


@pytest.fixture
def tab(share_engine: Engine, tmp_path: Path) -> Analyse:
    return tab_of(share_engine, tmp_path)


def judged(tab: Analyse, text: str, models: list[str] | None = None) -> Drawn:
    return tab.judge("", text, len(text), models or list(tab.engine.pool.defaults), VISITOR)


def changes_nothing(found: Drawn) -> bool:
    return all(value == gr.skip() for value in found.values())


def test_cancel_keeps_what_was_explained_and_says_by_which_method(tab: Analyse) -> None:
    why = tab.why
    shown = Shown(tab.engine.judge.analyse(TEXT), ("tfidf",))
    for _ in why.explain(shown, "tfidf", "shap", "word", VISITOR):
        pass
    kept, graded = shown.explanations["tfidf"], set(shown.graded)
    assert kept.explainer == "shap"
    slow = why.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert "Quick" in next(slow)[why.status]
    why.cancel(VISITOR)
    last = list(slow)[-1]
    assert "Cancelled" in last[why.status] and last[why.method] == "shap"
    assert last.keys() == {why.status, why.method}  # nothing else is drawn
    assert shown.explanations["tfidf"] is kept and shown.graded == graded


@pytest.mark.parametrize(("began", "picked"), [("word", "sentence"), ("sentence", "word")])
def test_a_unit_picked_while_something_is_explained_is_that_of_the_highlights_at_the_end(
    tab: Analyse, began: Unit, picked: Unit
) -> None:
    why = tab.why
    shown = Shown(tab.engine.judge.analyse(TEXT), ("tfidf",))
    under_way = why.explain(shown, "tfidf", "quick", began, VISITOR)
    assert next(under_way)[why.text] == render_highlights.highlighted(shown.explanations["tfidf"], began)
    why.redraw(shown, "tfidf", picked)
    last = list(under_way)[-1][why.text]
    assert last == render_highlights.highlighted(shown.explanations["tfidf"], picked)


def test_a_unit_picked_before_an_explanation_got_its_turn_is_kept(tab: Analyse) -> None:
    why = tab.why
    shown = Shown(tab.engine.judge.analyse(TEXT), ("tfidf",))
    waits = why.explain(shown, "tfidf", "quick", "word", VISITOR)
    why.redraw(shown, "tfidf", "sentence")
    assert next(waits)[why.text] == render_highlights.highlighted(shown.explanations["tfidf"], "sentence")


def test_both_methods_stand_side_by_side_until_one_is_picked(tab: Analyse) -> None:
    why = tab.why
    shown = Shown(tab.engine.judge.analyse(TEXT), ("tfidf", "word2vec"))
    *_, last = why.explain(shown, "tfidf", "both", "word", VISITOR)
    assert shown.explanations["tfidf"].explainer == "shap"
    assert shown.beside is not None and shown.beside.explainer == "lime"
    for part in ("<span>SHAP</span>", "<span>LIME</span>", "SHAP and LIME share"):
        assert part in last[why.words]
    *_, last = why.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert shown.beside is None and "<span>Word2Vec</span>" in last[why.words]
    assert "TF-IDF and Word2Vec share" in last[why.words] and "LIME and" in last[why.words]


def test_the_stock_package_says_how_far_it_agrees_until_something_else_is_shown(tab: Analyse) -> None:
    why = tab.why
    shown = Shown(tab.engine.judge.analyse(TEXT), ("tfidf",))
    (told,) = why.check(shown, "tfidf", VISITOR)
    assert "Pick LIME or SHAP first" in told[why.status]
    *_, before = why.explain(shown, "tfidf", "shap", "word", VISITOR)
    first, *_, last = why.check(shown, "tfidf", VISITOR)
    assert "<progress" in first[why.status] and "fn-grade" in last[why.status]
    assert shown.checked is not None and shown.checked.explainer == "shap-library"
    assert "The shap package and ours share" in last[why.words] and "ours " in last[why.words]
    assert shown.explanations["tfidf"].explainer == "shap" and last[why.text] == before[why.text]
    *_, after = why.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert shown.checked is None and "package" not in after[why.words]


def test_the_same_verdict_once_more_is_heard_once_more(tab: Analyse) -> None:
    heard = tab.answer.heard
    for _ in range(2):
        assert tab.begin(VISITOR) == SILENT
        found = judged(tab, TEXT)[heard]
        assert found != SILENT and "TF-IDF" in found
    assert judged(tab, "")[heard] == SILENT  # the sentence that says why is an alert


def test_the_models_asked_are_those_picked_and_all_of_them_where_none_is(tab: Analyse) -> None:
    result, view = tab.answer.result, tab.why.view
    one = judged(tab, TEXT, ["word2vec"])
    assert 'data-model="word2vec"' in one[result] and 'data-model="tfidf"' not in one[result]
    assert one[view]["choices"] == [("Word2Vec", "word2vec")]
    none = tab.judge("", TEXT, len(TEXT), [], VISITOR)
    assert 'data-model="word2vec"' in none[result] and 'data-model="tfidf"' in none[result]


def test_formatting_is_tested_for_the_models_that_were_asked(tab: Analyse) -> None:
    shown = judged(tab, TEXT, ["word2vec"])[tab.shown]
    for _ in tab.why.explain(shown, "word2vec", "quick", "word", VISITOR):
        pass
    assert list(shown.analysis.formatting.p_fake) == ["word2vec"]


def test_an_address_pasted_as_text_is_sent_to_its_own_field_where_there_is_one(
    share_engine: Engine, tmp_path: Path
) -> None:
    settings = share_engine.settings
    for url_fetch in (True, False):
        tab = tab_of(Engine.open(replace(settings, url_fetch=url_fetch)), tmp_path)
        for text, points in ((" https://example.org/a\n", url_fetch), ("...", False)):
            said = judged(tab, text)[tab.answer.result]
            assert "no words to read" in said and ("“Address”" in said) == points


def test_a_run_that_another_follows_draws_nothing_more(tab: Analyse) -> None:
    why = tab.why
    first, second = (Shown(tab.engine.judge.analyse(TEXT + more), ("tfidf",)) for more in ("", "Then it left."))
    old = why.explain(first, "tfidf", "quick", "word", VISITOR)
    next(old)
    new = why.explain(second, "tfidf", "quick", "word", VISITOR)
    next(new)
    (last,) = old
    assert changes_nothing(last)
    assert "fn-badge" in list(new)[-1][why.status]
    (last,) = why.explain_first(second, "tfidf", "quick", "word", VISITOR)
    assert changes_nothing(last)


def test_a_verdict_is_not_lost_to_an_older_one_that_ends_as_it_begins(
    tab: Analyse, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, older_done, answers = threading.Event(), threading.Event(), []

    def newer() -> None:
        answers.append(judged(tab, f"{TEXT} Newer."))

    def start(visitor: str) -> Token:
        token = real_start(visitor)
        begun.set()
        return token

    def analyse(text: str, *more: Any, **named: Any) -> Analysis:
        if "Newer" in text:
            assert older_done.wait(10)
        return real_analyse(text, *more, **named)

    def leave(request: Any) -> None:  # the older one, between its look and the end of all that is under way
        if not older_done.is_set():
            begun.clear()
            second.start()
            begun.wait(0.5)
        real_leave(request)

    real_start, real_analyse, real_leave = tab.judging.start, tab.engine.judge.analyse, tab.leave
    monkeypatch.setattr(tab.judging, "start", start)
    monkeypatch.setattr(tab.engine.judge, "analyse", analyse)
    monkeypatch.setattr(tab, "leave", leave)
    second = threading.Thread(target=newer, daemon=True)
    judged(tab, TEXT)
    older_done.set()
    second.join(10)
    assert "fn-answer" in answers[0][tab.answer.result]


def test_the_page_takes_its_places_in_the_scheduler_as_the_api_does(share_engine: Engine, tmp_path: Path) -> None:
    limits = {lane: replace(LIMITS[lane], running=1, waiting=1, patience=0.1) for lane in Lane}
    scheduler = Scheduler(limits)
    tab = tab_of(Engine.open(share_engine.settings, scheduler=scheduler), tmp_path)
    status, result = tab.why.status, tab.answer.result
    shown = Shown(share_engine.judge.analyse(TEXT), ("tfidf",))
    with scheduler.slot(Lane.VERDICT):
        assert "Too many articles are being read: try again in a few seconds." in judged(tab, TEXT)[result]
    with scheduler.slot(Lane.EXPLANATION):
        first, *_, last = tab.why.explain(shown, "tfidf", "lime", "word", VISITOR)
    assert "Quick highlights" in first[status] and "Too many explanations are being computed" in last[status]
    assert "fn-answer" in judged(tab, TEXT)[result]
    assert (scheduler.running(Lane.VERDICT), scheduler.running(Lane.EXPLANATION)) == (0, 0)


def test_a_cleared_tab_looks_as_on_the_first_visit(tab: Analyse) -> None:
    judged(tab, TEXT)
    cleared = tab.clear(VISITOR)
    assert cleared[tab.answer.result] == tab.start_page()
    assert cleared[tab.shown] is None and (cleared[tab.title], cleared[tab.body]) == ("", "")
    assert all(cleared[part]["visible"] is False for part in (tab.article, tab.then, tab.beneath))
