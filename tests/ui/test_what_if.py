"""The what-if panel's handlers, called as functions with a real model."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.engine.tokens import VisitorTokens
from fakenews.ui.what_if import UNCHANGED, Edits, WhatIfPanel
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus, small_tfidf

TEXT = f"The people said the {FAKE_WORD} was on the road. The mayor will report today. The {REAL_WORD} said no."
VISITOR: Any = SimpleNamespace(session_hash="visitor")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> WhatIfPanel:
    folder: Path = tmp_path_factory.mktemp("models")
    small_tfidf().calibrate(*planted_corpus()).save(folder / "tfidf")
    return WhatIfPanel(Engine.open(Settings(models=folder, device="cpu")), VisitorTokens())


def test_a_click_takes_the_characters_away_and_both_answers_are_shown(panel: WhatIfPanel) -> None:
    edits = Edits([TEXT])
    start = TEXT.index(FAKE_WORD)
    _, changes, drawn, box = panel.cut(edits, "word", f"{start}-{start + len(FAKE_WORD)}")
    assert FAKE_WORD not in edits.now and box == edits.now
    assert "TF-IDF" in changes
    assert re.search(f'<del class="fn-gone">[^<]*{FAKE_WORD}', drawn)
    said, changes, _, box = panel.undo(edits, "word")
    assert (changes, box, edits.texts) == (UNCHANGED, TEXT, [TEXT])
    assert "Click a word" in said


def test_the_text_before_is_judged_once_for_all_clicks(panel: WhatIfPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    real = panel.engine.judge.judge_many
    monkeypatch.setattr(panel.engine.judge, "judge_many", lambda t, *more: (judged.extend(t), real(t, *more))[1])
    text = f"{TEXT} Nobody clicked here before."
    edits = Edits([text])
    panel.cut(edits, "word", "0-3")
    before, after = edits.texts
    _, changes, *_ = panel.shown(edits, "sentence")
    panel.cut(edits, "word", "4-10")
    panel.undo(edits, "word")
    assert panel.shown(edits, "word")[1] == changes
    assert judged.count(before) == judged.count(after) == 1 and len(judged) == 3


@pytest.mark.parametrize("key", ["", "5", "9-5", "-1-4", "0-99999", "a-b", "<b>-1"])
def test_a_click_about_nothing_changes_nothing(panel: WhatIfPanel, key: str) -> None:
    edits = Edits([TEXT])
    panel.cut(edits, "word", key)
    assert edits.texts == [TEXT]


def test_typing_on_is_one_edit_and_reset_can_be_undone(panel: WhatIfPanel) -> None:
    edits = Edits([TEXT])
    for text in (TEXT + " M", TEXT + " Mo", TEXT + " More"):
        *_, box = panel.typed(edits, "word", text)
    assert edits.texts == [TEXT, TEXT + " More"]
    assert box == gr.skip()
    assert panel.typed(edits, "word", edits.now) == (gr.skip(),) * 4
    panel.reset(edits, "word")
    assert edits.now == TEXT
    panel.undo(edits, "word")
    assert edits.now == TEXT + " More"


def test_a_box_with_line_ends_of_its_own_is_not_an_edit(panel: WhatIfPanel) -> None:
    edits = Edits([TEXT.replace(". ", ".\r\n")])
    assert panel.typed(edits, "word", TEXT.replace(". ", ".\n")) == (gr.skip(),) * 4


def test_a_text_grown_too_long_is_told_and_kept(panel: WhatIfPanel) -> None:
    edits = Edits([TEXT])
    said, changes, _, _ = panel.typed(edits, "word", "long " * 10_000)
    assert "at most 20,000 fit" in said and changes == UNCHANGED


def test_a_text_emptied_of_its_words_gets_a_sentence_and_no_figures(panel: WhatIfPanel) -> None:
    edits = Edits([TEXT])
    for left in ("", "..."):
        said, changes, drawn, _ = panel.typed(edits, "word", left)
        assert "no words to read" in said and changes == UNCHANGED
        assert "<del" in drawn


def test_nothing_analysed_is_nothing_to_edit(panel: WhatIfPanel) -> None:
    for found in (panel.cut(None, "word", "0-3"), panel.undo(None, "word"), panel.reset(None, "word")):
        assert found == ("", UNCHANGED, "", "")
    assert list(panel.flip(None, "word", "tfidf", VISITOR)) == []


def test_the_minimal_counterfactual_is_taken_away(panel: WhatIfPanel) -> None:
    edits = Edits([f"The {FAKE_WORD} said no. The mayor will report. The people said a {FAKE_WORD} will report."])
    edits = Edits([edits.now + f" The {REAL_WORD} said so."])
    *_, (said, changes, drawn, _) = panel.flip(edits, "sentence", "tfidf", VISITOR)
    assert "flips" in said and "every smaller set" in said
    assert "changed" in changes and "<del" in drawn
    panel.undo(edits, "sentence")
    assert len(edits.texts) == 1


def test_what_is_kept_to_undo_is_bounded() -> None:
    edits = Edits([TEXT])
    for i in range(300):
        edits.add(f"{TEXT} {i}")
    assert len(edits.texts) <= 101
    assert edits.texts[0] == TEXT and edits.now == f"{TEXT} 299"
