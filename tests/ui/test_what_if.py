"""What if: the handlers called as functions, with a real model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.schema import Span
from fakenews.ui import render_edits
from fakenews.ui.answer import Answer
from fakenews.ui.shown import MOST_KEPT, Shown
from fakenews.ui.what_if import WhatIfPanel
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus, small_tfidf
from tests.ui.drawing import drawn

TEXT = f"The people said the {FAKE_WORD} was on the road. The mayor will report today. The {REAL_WORD} said no."
START = TEXT.index(FAKE_WORD)
KEY = f"{START}-{START + len(FAKE_WORD)}"
VISITOR: Any = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> WhatIfPanel:
    folder: Path = tmp_path_factory.mktemp("models")
    small_tfidf().calibrate(*planted_corpus()).save(folder / "tfidf")
    engine = Engine.open(Settings(models=folder, device="cpu"))
    return drawn(lambda: WhatIfPanel(engine, Answer(engine, "")))


def looked_at(panel: WhatIfPanel, text: str = TEXT) -> Shown:
    return Shown(panel.engine.judge.analyse(text), ("tfidf",))


def test_a_click_strikes_characters_out_and_both_answers_are_shown(panel: WhatIfPanel) -> None:
    shown = looked_at(panel)
    found = panel.cut(shown, KEY)
    assert FAKE_WORD not in shown.left and shown.text == TEXT
    assert f'data-struck="{KEY}"' in found[panel.struck]
    assert "before the edit" in found[panel.answer.result] and "before" in found[panel.answer.heard]
    found = panel.undo(shown)
    assert shown.left == TEXT and shown.what_if is None
    assert 'data-struck=""' in found[panel.struck] and "before the edit" not in found[panel.answer.result]
    assert "Click a word" in found[panel.message]


def test_a_second_click_takes_the_strike_back_and_a_sentence_takes_its_words_in(panel: WhatIfPanel) -> None:
    shown = looked_at(panel)
    panel.cut(shown, KEY)
    panel.cut(shown, KEY)
    assert shown.struck == ()
    panel.cut(shown, KEY)
    panel.cut(shown, "0-43")
    assert shown.struck == (Span(0, 43),)
    panel.cut(shown, KEY)  # a word of a sentence that is struck: the sentence comes back
    assert shown.struck == ()


def test_the_text_before_is_judged_once_for_all_clicks(panel: WhatIfPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = panel.engine.judge.judge_many
    monkeypatch.setattr(panel.engine.judge, "judge_many", lambda t, *more: (asked.extend(t), real(t, *more))[1])
    shown = looked_at(panel, f"{TEXT} Nobody clicked here before.")
    panel.cut(shown, "0-3")
    first = shown.left
    panel.cut(shown, "4-10")
    second = shown.left
    panel.undo(shown)
    panel.cut(shown, "4-10")
    assert [asked.count(text) for text in (shown.text, first, second)] == [1, 1, 1] and len(asked) == 3


@pytest.mark.parametrize("key", ["", "5", "9-5", "-1-4", "0-99999", "a-b", "<b>-1"])
def test_a_click_about_nothing_changes_nothing(panel: WhatIfPanel, key: str) -> None:
    shown = looked_at(panel)
    assert panel.cut(shown, key) == {panel.message: gr.skip()}
    assert shown.left == TEXT


def test_reset_can_be_undone_and_done_forgets(panel: WhatIfPanel) -> None:
    shown = looked_at(panel)
    panel.cut(shown, KEY)
    panel.reset(shown)
    assert shown.left == TEXT
    panel.undo(shown)
    assert FAKE_WORD not in shown.left
    found = panel.done(shown, VISITOR)
    assert shown.history == [()] and "before the edit" not in found[panel.answer.result]


def test_a_text_that_lost_all_its_words_gets_a_sentence_and_the_answers_of_before(panel: WhatIfPanel) -> None:
    shown = looked_at(panel)
    found = panel.cut(shown, f"0-{len(TEXT)}")
    assert "no words to read" in found[panel.message]
    assert "before the edit" not in found[panel.answer.result] and "data-struck" in found[panel.struck]


def test_nothing_analysed_is_nothing_to_edit(panel: WhatIfPanel) -> None:
    for found in (panel.cut(None, "0-3"), panel.undo(None), panel.reset(None), panel.done(None, VISITOR)):
        assert found == {panel.message: gr.skip()}
    assert list(panel.flip(None, "tfidf", VISITOR)) == []


def test_the_minimal_counterfactual_is_struck_out(panel: WhatIfPanel) -> None:
    shown = looked_at(
        panel,
        f"The {FAKE_WORD} said no. The mayor will report. The people said a {FAKE_WORD} will report. "
        f"The {REAL_WORD} said so.",
    )
    *_, found = panel.flip(shown, "tfidf", VISITOR)
    assert "flips" in found[panel.message] and "every smaller set" in found[panel.message]
    assert found[panel.struck] == render_edits.struck(shown.struck) and len(shown.struck) == 2
    assert FAKE_WORD not in shown.left
    panel.undo(shown)
    assert shown.left == shown.text


def test_what_is_kept_to_undo_is_bounded(panel: WhatIfPanel) -> None:
    shown = looked_at(panel)
    for i in range(300):
        shown.strike((Span(0, i + 1),))
    assert len(shown.history) <= MOST_KEPT + 1
    assert shown.history[0] == () and shown.struck == (Span(0, 300),)
