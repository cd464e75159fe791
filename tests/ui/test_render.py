"""Markup from values: what is escaped, which words are tinted, what a card says."""

import re
from html import unescape

import pytest

from fakenews.schema import Attribution, Explanation, Prediction
from fakenews.services import Analysis
from fakenews.ui import render

HOSTILE = '<img src=x onerror=alert(1)> ${alert(2)} {{value}} "quoted" & done'


def explanation(text: str, weights: list[tuple[int, int, float]], target: str = "fake") -> Explanation:
    return Explanation(
        text=text, target=target, attributions=tuple(Attribution(*w) for w in weights), unit="log-odds",  # type: ignore[arg-type]
        base_value=0.0, margin=1.0, fidelity=None, residual=0.0, classifier="tfidf", explainer="linear", seed=42,
        seconds=0.1,
    )  # fmt: skip


def analysis(*predictions: Prediction) -> Analysis:
    return Analysis("text", 120, predictions, 0.2)


def strip_tags(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


def test_highlights_keep_every_character_of_the_text() -> None:
    text = f"“Curly” — couldn’t 😀\r\n{HOSTILE}"
    assert strip_tags(render.highlighted(explanation(text, [(1, 6, 2.0), (10, 18, -1.0)]))) == text


def test_hostile_text_is_escaped_in_every_piece_of_markup() -> None:
    e = explanation(HOSTILE, [(0, len(HOSTILE), 1.0)])
    for markup in (
        render.highlighted(e),
        render.plain(HOSTILE),
        render.top_words([(HOSTILE, e)]),
        render.legend(e, HOSTILE, HOSTILE),
        render.problem(HOSTILE),
        render.table([("Title", False)], [(HOSTILE, [HOSTILE])], HOSTILE),
        render.examples([(HOSTILE, HOSTILE, HOSTILE)]),
        render.status(HOSTILE),
        render.progress(HOSTILE, 0.5, 1.0),
        render.figures([(HOSTILE, HOSTILE, HOSTILE)]),
        render.facts([(HOSTILE, HOSTILE)]),
    ):
        assert "<img" not in markup
        assert "onerror=alert(1)>" not in markup


def test_sign_is_told_without_colour() -> None:
    markup = render.highlighted(explanation("good bad", [(0, 4, -1.0), (5, 8, 1.0)]))
    assert 'class="fn-r5" tabindex="0" title="1.000 log-odds towards real">good' in markup
    assert 'class="fn-f5" tabindex="0" title="1.000 log-odds towards fake">bad' in markup


def test_a_positive_weight_towards_real_is_drawn_as_real() -> None:
    markup = render.highlighted(explanation("good", [(0, 4, 1.0)], target="real"))
    assert "towards real" in markup and "fn-r5" in markup


@pytest.mark.parametrize(("weight", "step"), [(1.0, 5), (-1.0, 5), (0.6, 4), (0.13, 1), (0.05, 0), (0.0, 0)])
def test_strength_grows_with_the_weight(weight: float, step: int) -> None:
    assert render.strength(weight, 1.0) == step


def test_no_weight_at_all_tints_nothing() -> None:
    assert "<mark" not in render.highlighted(explanation("good bad", [(0, 4, 0.0), (5, 8, 0.0)]))


def test_what_cleaning_removed_is_struck() -> None:
    text = "LAKEMOOR (Meridian Wire) - The ferry sailed. Featured image via Screenshot"
    struck = re.findall(r"<del[^>]*>(.*?)</del>", render.highlighted(explanation(text, [])))
    assert struck == ["LAKEMOOR (Meridian Wire) -", "Featured image via Screenshot"]


@pytest.mark.parametrize(("p", "words"), [(0.0, "0.1 %"), (1.0, "99.9 %"), (0.995, "99.5 %"), (0.873, "87 %")])
def test_a_probability_is_never_certain(p: float, words: str) -> None:
    assert render.percent(p) == words


def test_cards_say_verdict_number_and_reasons() -> None:
    markup = render.verdicts(
        analysis(
            Prediction("tinybert", 0.87, 2.0, "fake"), Prediction("tfidf", 0.54, 0.1, "cannot_judge", ("too_close",))
        ),
        {"tinybert": "TinyBERT", "tfidf": "TF-IDF"},
        {"tinybert": "Right on most."},
    )
    text = strip_tags(markup)
    assert "Reads like the fake class" in text and "87 % probability of resembling the fake class" in text
    assert "Cannot judge this text" in text and "Too close to call." in text
    assert "The models lean the same way." in text and "Right on most." in text


def test_top_words_sum_repeats_and_put_the_strongest_first() -> None:
    e = explanation("bad good Bad", [(0, 3, 1.0), (4, 8, -1.5), (9, 12, 1.0)])
    assert re.findall(r"<em>(\w+)", render.top_words([("TF-IDF", e)])) == ["bad", "good"]
    assert "×2" in render.top_words([("TF-IDF", e)])


def test_a_table_opens_its_rows_by_key() -> None:
    markup = render.table([("Title", False), ("n", True)], [("id1", ["A", "1"]), ("", ["B", "2"])], "Rows")
    assert '<button type="button" data-open="id1">A</button>' in markup
    assert "<td>B</td>" in markup
