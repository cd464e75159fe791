"""Markup from values: what is escaped, which words are tinted, what a card says."""

import re
from dataclasses import replace
from html import unescape

import pytest

from fakenews.engine.values import Analysis, WhatIf
from fakenews.explain.counterfactual import Counterfactual
from fakenews.explain.global_importance import WordTotal
from fakenews.schema import Attribution, Explanation, Grade, Prediction, Span
from fakenews.similar.neighbours import TrackRecord
from fakenews.ui import render, render_edits, render_highlights, render_verdicts, render_words
from fakenews.ui.templates import draw
from tests.running import ends_within

HOSTILE = '<img src=x onerror=alert(1)> ${alert(2)} {{value}} "quoted" & done'


def explanation(text: str, weights: list[tuple[int, int, float]], target: str = "fake") -> Explanation:
    return Explanation(
        text=text, target=target, attributions=tuple(Attribution(*w) for w in weights), unit="log-odds",  # type: ignore[arg-type]
        base_value=0.0, margin=1.0, fidelity=None, residual=0.0, classifier="tfidf", explainer="linear", seed=42,
        seconds=0.1,
    )  # fmt: skip


def analysis(*predictions: Prediction) -> Analysis:
    return Analysis("text", 120, predictions, 0.2)


FLIP = Counterfactual("tfidf", (Span(0, 10), Span(11, 20)), (1,), 0.9, 0.2, True, 3, 0.1)


def graded(level: str) -> Grade:
    return Grade(2.0, 0.1, (0.3, 1.5), (2.1, 0.0), 0.95, level, 0.1)  # type: ignore[arg-type]


def record(n: int, n_wrong: int, n_nearest: int | None) -> TrackRecord:
    interval = (0.54, 0.77) if n else None
    return TrackRecord(
        "tfidf", n, n_wrong, n_wrong / n if n else None, interval, {"isot": 70, "fakes": 10}, 0.5, n_nearest
    )


def strip_tags(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


def test_highlights_keep_every_character_of_the_text() -> None:
    text = f"“Curly” — couldn’t 😀\r\n{HOSTILE}"
    assert strip_tags(render_highlights.highlighted(explanation(text, [(1, 6, 2.0), (10, 18, -1.0)]))) == text


def test_hostile_text_is_escaped_in_every_piece_of_markup() -> None:
    e = explanation(HOSTILE, [(0, len(HOSTILE), 1.0)])
    for markup in (
        render_highlights.highlighted(e),
        render_highlights.plain(HOSTILE),
        render_words.top_words([(HOSTILE, e)]),
        render_highlights.legend(e, HOSTILE, HOSTILE),
        render.problem(HOSTILE),
        render.table([("Title", False)], [(HOSTILE, [HOSTILE])], HOSTILE),
        render_verdicts.examples([(HOSTILE, HOSTILE, HOSTILE)]),
        render.status(HOSTILE),
        render.progress(HOSTILE, 0.5, 1.0),
        draw("dataset", "figures", cards=[(HOSTILE,) * 4]),
        render.facts([(HOSTILE, HOSTILE)]),
        render_edits.edited(HOSTILE, HOSTILE[::-1], "word"),
        render_edits.edited("plain", HOSTILE, "sentence"),
        render_edits.flip(FLIP, HOSTILE, HOSTILE),
        render_words.words_across([WordTotal(HOSTILE, 1.0, 3, 3, 1.0)], 9, HOSTILE, HOSTILE),
        render_highlights.grade(replace(e, grade=graded("good")), HOSTILE),
    ):
        assert "<img" not in markup
        assert "onerror=alert(1)>" not in markup


def test_sign_is_told_without_colour() -> None:
    markup = render_highlights.highlighted(explanation("good bad", [(0, 4, -1.0), (5, 8, 1.0)]))
    assert 'class="fn-r5" tabindex="0" title="1.000 log-odds towards real">good' in markup
    assert 'class="fn-f5" tabindex="0" title="1.000 log-odds towards fake">bad' in markup


def test_a_positive_weight_towards_real_is_drawn_as_real() -> None:
    markup = render_highlights.highlighted(explanation("good", [(0, 4, 1.0)], target="real"))
    assert "towards real" in markup and "fn-r5" in markup


@pytest.mark.parametrize(("weight", "step"), [(1.0, 5), (-1.0, 5), (0.6, 4), (0.13, 1), (0.05, 0), (0.0, 0)])
def test_strength_grows_with_the_weight(weight: float, step: int) -> None:
    assert render_highlights.strength(weight, 1.0) == step


def test_no_weight_at_all_tints_nothing() -> None:
    assert "<mark" not in render_highlights.highlighted(explanation("good bad", [(0, 4, 0.0), (5, 8, 0.0)]))


def test_what_cleaning_removed_is_struck() -> None:
    text = "LAKEMOOR (Meridian Wire) - The ferry sailed. Featured image via Screenshot"
    struck = re.findall(r"<del[^>]*>(.*?)</del>", render_highlights.highlighted(explanation(text, [])))
    assert struck == ["LAKEMOOR (Meridian Wire) -", "Featured image via Screenshot"]


@pytest.mark.parametrize(("p", "words"), [(0.0, "0.1 %"), (1.0, "99.9 %"), (0.995, "99.5 %"), (0.873, "87 %")])
def test_a_probability_is_never_certain(p: float, words: str) -> None:
    assert render.percent(p) == words


def test_cards_say_verdict_number_and_reasons() -> None:
    markup = render_verdicts.verdicts(
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


def test_what_the_models_say_can_be_heard() -> None:
    fake = Prediction("tinybert", 0.87, 2.0, "fake")
    unsure = Prediction("tfidf", 0.54, 0.1, "cannot_judge", ("too_close",))
    titles = {"tinybert": "TinyBERT", "tfidf": "TF-IDF"}
    told = "TinyBERT: Reads like the fake class, 87 % fake. TF-IDF: Cannot judge this text, too close to call."
    assert render_verdicts.verdicts_heard(analysis(fake, unsure), titles) == render.heard(told)
    # The place of what is heard stays the same element, empty or not, or it would not be said.
    changed = render_edits.changes(WhatIf("text", (fake,), (replace(unsure, model="tinybert"),), 0.1), titles)
    place = render.heard("").removesuffix("</p>")
    assert changed.startswith(f"{place}TinyBERT: Cannot judge this text, 54 % fake, before 87 %.</p>")


def test_headings_leave_no_level_out_beneath_the_page_s_own() -> None:
    said = render_verdicts.verdicts(analysis(Prediction("tfidf", 0.87, 2.0, "fake")), {"tfidf": "TF-IDF"}, {})
    for markup in (said, render_verdicts.examples([("id1", "Title", "kind")])):
        levels = [1, *map(int, re.findall(r"<h(\d)", markup))]
        assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))


def test_top_words_sum_repeats_and_put_the_strongest_first() -> None:
    e = explanation("bad good Bad", [(0, 3, 1.0), (4, 8, -1.5), (9, 12, 1.0)])
    assert re.findall(r"<em>(\w+)", render_words.top_words([("TF-IDF", e)])) == ["bad", "good"]
    assert "×2" in render_words.top_words([("TF-IDF", e)])


def test_words_are_listed_as_they_are_read_and_not_endlessly_long() -> None:
    text = "Tues\u00adday Tuesday " + "x" * 20_000
    found = render_words.top_words(
        [("TinyBERT", explanation(text, [(0, 8, 0.5), (9, 16, 0.25), (17, len(text), 0.1)]))]
    )
    assert "tuesday" in found and "×2" in found and "\u00ad" not in found
    assert len(found) < 2000


def test_a_table_opens_its_rows_by_key() -> None:
    markup = render.table([("Title", False), ("n", True)], [("id1", ["A", "1"]), ("", ["B", "2"])], "Rows")
    assert '<button type="button" data-open="id1">A</button>' in markup
    assert "<td>B</td>" in markup


def test_a_poor_explanation_is_not_coloured_and_says_why() -> None:
    e = explanation("good bad", [(0, 4, -1.0), (5, 8, 1.0)])
    assert "<mark" in render_highlights.highlighted(replace(e, grade=graded("fair")))
    poor = render_highlights.highlighted(replace(e, grade=graded("poor")))
    assert "<mark" not in poor
    assert "Not colored" in poor and strip_tags(poor).endswith("good bad")


def test_the_badge_carries_the_numbers_behind_it() -> None:
    badge = render_highlights.grade(replace(explanation("good", [(0, 4, 1.0)]), grade=graded("good")), "SHAP")
    for number in ("0.95", "2.00", "0.10", "0.30", "1.50", "2.10", "0.00"):
        assert number in badge
    assert "none" in render_highlights.grade(explanation("good", [(0, 4, 1.0)]), "SHAP")


def test_sentences_are_tinted_whole() -> None:
    text = "One two. Three four."
    e = explanation(text, [(0, 3, 1.0), (4, 7, 1.0), (9, 14, -1.0), (15, 19, 0.9)])
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", render_highlights.highlighted(e, "sentence")) == ["One two."]


def test_an_edited_text_shows_what_went_and_what_came_and_can_be_clicked() -> None:
    markup = render_edits.edited("One two. Three four.", "One 2. Three four.", "word")
    assert strip_tags(re.sub(r"<del.*?</del>", "", markup)) == "One 2. Three four."
    assert re.findall(r"<del[^>]*>(.*?)</del>", markup) == ["two"]
    keys = re.findall(r'data-open="(\d+)-(\d+)"', markup)
    assert ["One 2. Three four."[int(a) : int(b)] for a, b in keys] == ["One", "2", "Three", "four"]
    sentences = re.findall(
        r'data-open="(\d+-\d+)"', render_edits.edited("One two. Three.", "One two. Three.", "sentence")
    )
    assert set(sentences) == {"0-8", "9-15"}


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """Return what went and what came, in order; the rest of the markup is both texts."""
    markup = re.sub(r"</?span[^>]*>|</?div[^>]*>", "", render_edits.edited(before, after, "word"))
    edits = re.findall(r"<(del|ins)[^>]*>(.*?)</\1>", markup, re.S)
    for tag, text in (("ins", before), ("del", after)):
        kept = re.sub(rf"<{tag}[^>]*>.*?</{tag}>", "", markup, flags=re.S)
        assert unescape(re.sub(r"<[^<>]*>", "", kept)) == text
    return [(tag, unescape(text)) for tag, text in edits]


def test_an_edit_shows_no_more_than_what_changed() -> None:
    text = " ".join(f"word{i % 50}, then\n<{i}>" for i in range(300))
    assert changed(text, text) == []
    assert changed(text, "New " + text[:-1] + "!") == [("ins", "New "), ("del", ">"), ("ins", "!")]
    assert changed("a b  c d", "a c d") == [("del", "b  ")]
    assert changed("a b", "a  b") == [("del", " "), ("ins", "  ")]
    assert changed("a b. c d", "x b! c y") == [
        ("del", "a"), ("ins", "x"), ("del", "."), ("ins", "!"), ("del", "d"), ("ins", "y"),
    ]  # fmt: skip
    assert changed("", "a") == [("ins", "a")] and changed(" a", "") == [("del", " a")]


@pytest.mark.parametrize(
    "texts",
    [
        "' '.join(f'a{i}' for i in range(3300)), ' '.join(f'b{i}' for i in range(3300))",
        "'a,' * 9950, 'a,b,' * 4975",
        "'a b ' * 4975, 'b c a ' * 3300",
    ],
)
def test_two_hostile_texts_do_not_hold_the_page_up(texts: str) -> None:
    ends_within(8, f"from fakenews.ui.render_edits import edited; edited(*({texts}), 'word')")


def test_changes_name_every_model_before_and_now() -> None:
    before = Prediction("tfidf", 0.9, 2.0, "fake")
    after = Prediction("tfidf", 0.1, -2.0, "real")
    markup = render_edits.changes(WhatIf("text", (before,), (after,), 0.12), {"tfidf": "TF-IDF"})
    for part in ("TF-IDF", "90 %", "10 %", "-4.00", "Reads like the real class, changed", "0.12 s"):
        assert part in markup


def test_a_flip_says_how_it_was_found() -> None:
    text = "One two th. Four five."
    two = replace(FLIP, removed=(0, 1))
    assert "without one sentence, from 90 % to 20 % fake; no smaller set can exist" in render_edits.flip(
        FLIP, text, "TF-IDF"
    )
    assert "every smaller set of the 2 sentences was tried" in render_edits.flip(two, text, "TF-IDF")
    assert "smaller set may exist" in render_edits.flip(replace(two, exact=False), text, "TF-IDF")
    assert "no set of sentences flips it" in render_edits.flip(replace(FLIP, removed=()), text, "TF-IDF")


def test_the_record_on_text_like_this_counts_verdicts_and_says_on_which_articles():
    told, where = render_verdicts.track_record(record(60, 40, 80))
    assert told == "On text like this its verdicts were wrong 67 % of the time (54–77 %)"
    assert where == "It gave 60 on the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES."
    told, where = render_verdicts.track_record(record(0, 0, 80))
    assert told == "On text like this it gave no verdict"
    assert where == "On none of the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES."


def test_a_record_of_an_older_link_reads_as_it_did():
    told, where = render_verdicts.track_record(record(80, 40, None))
    assert told == "On text like this it was wrong 50 % of the time (54–77 %)"
    assert where == "Measured on the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES."


def test_what_is_waited_for_is_told_in_few_words() -> None:
    assert "4.2 s left" in render.progress("", 0.5, 4.21) and "17 min left" in render.progress("", 0.5, 1022.0)
