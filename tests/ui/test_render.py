"""Markup from values: what is escaped, which words are tinted, what a card says."""

import re
from dataclasses import replace
from html import unescape

import pytest

from fakenews.engine.values import Analysis, WhatIf
from fakenews.explain.counterfactual import Counterfactual
from fakenews.explain.global_importance import WordTotal
from fakenews.schema import Attribution, Explanation, Grade, Prediction, Span
from fakenews.similar.track_record import TrackRecord
from fakenews.ui import render, render_edits, render_highlights, render_verdicts, render_words
from fakenews.ui.templates import draw

HOSTILE = '<img src=x onerror=alert(1)> ${alert(2)} {{value}} "quoted" & done'


def explanation(text: str, weights: list[tuple[int, int, float]], target: str = "fake") -> Explanation:
    return Explanation(
        text=text, target=target, attributions=tuple(Attribution(*w) for w in weights), unit="log-odds",  # type: ignore[arg-type]
        base_value=0.0, log_odds=1.0, fidelity=None, residual=0.0, classifier="tfidf", explainer="linear", seed=42,
        seconds=0.1,
    )  # fmt: skip


def analysis(*predictions: Prediction) -> Analysis:
    return Analysis("text", predictions, 120, 0.2)


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
        render_highlights.highlighted(e, "sentence"),
        render.problem(HOSTILE),
        render.table([("Title", False)], [(HOSTILE, [HOSTILE])], HOSTILE),
        render_verdicts.examples([(HOSTILE, HOSTILE, HOSTILE)]),
        render.status(HOSTILE),
        render.progress(HOSTILE, 0.5, 1.0),
        draw("dataset", "figures", cards=[(HOSTILE,) * 4]),
        render.facts([(HOSTILE, HOSTILE)]),
        render_edits.flip(FLIP, HOSTILE),
        render_words.words_across([WordTotal(HOSTILE, 1.0, 3, 3, 1.0)], 9, HOSTILE, HOSTILE),
        render_highlights.legend(replace(e, grade=graded("good")), HOSTILE, HOSTILE),
    ):
        assert "<img" not in markup
        assert "onerror=alert(1)>" not in markup


def test_sign_is_told_without_colour() -> None:
    markup = render_highlights.highlighted(explanation("good bad", [(0, 4, -1.0), (5, 8, 1.0)]))
    assert 'class="fn-r5" data-key="0-4" data-w="-1.000" data-rank="1">good' in markup
    assert 'class="fn-f5" data-key="5-8" data-w="1.000" data-rank="2">bad' in markup


def test_a_positive_weight_towards_real_is_drawn_as_real() -> None:
    markup = render_highlights.highlighted(explanation("good", [(0, 4, 1.0)], target="real"))
    assert 'data-w="-1.000"' in markup and "fn-r5" in markup


@pytest.mark.parametrize(("weight", "step"), [(1.0, 5), (-1.0, 5), (0.6, 4), (0.13, 1), (0.05, 0), (0.0, 0)])
def test_strength_grows_with_the_weight(weight: float, step: int) -> None:
    assert render_highlights.strength(weight, 1.0) == step


def test_no_weight_at_all_tints_nothing() -> None:
    assert "<mark" not in render_highlights.highlighted(explanation("good bad", [(0, 4, 0.0), (5, 8, 0.0)]))


def test_what_cleaning_removed_is_struck() -> None:
    text = "LAKEMOOR (Meridian Wire) - The ferry sailed. Featured image via Screenshot"
    struck = re.findall(r"<del[^>]*>(.*?)</del>", render_highlights.highlighted(explanation(text, [])))
    assert struck == ["LAKEMOOR (Meridian Wire) -", "Featured image via Screenshot"]


@pytest.mark.parametrize(("p", "words"), [(0.0, "0.1%"), (1.0, "99.9%"), (0.995, "99.5%"), (0.873, "87%")])
def test_a_probability_is_never_certain(p: float, words: str) -> None:
    assert render.percent(p) == words


def test_one_answer_every_model_and_the_checks() -> None:
    both = analysis(
        Prediction("ensemble-small", 0.82, 1.6, "fake", share_fake=0.78),
        Prediction("tinybert", 0.87, 2.0, "fake"),
        Prediction("tfidf", 0.54, 0.1, "cannot_judge", ("too_close",)),
    )
    titles = {"ensemble-small": "Ensemble", "tinybert": "TinyBERT", "tfidf": "TF-IDF"}
    markup = render_verdicts.verdicts(both, titles, {"tinybert": "Right on most."})
    text = " ".join(strip_tags(markup).split())
    assert "82% fake fake-like Of 100 articles that scored like this one" in text and "78 were labeled fake" in text
    assert [*re.findall(r'fn-row" data-model="(\w+)"', markup)] == ["tinybert", "tfidf"]
    assert "TF-IDF: 54% fake; no verdict, too close to call." in markup
    assert "The models agree" in text and "Long enough, and in English" in text and "Right on most." in text
    assert '<li class="fn-wait">Formatting: being tested' in markup


def test_without_a_verdict_the_first_check_says_why() -> None:
    titles = {"tfidf": "TF-IDF"}
    for reason, why in (
        ("too_close", "Too close to call"),
        ("not_english", "Not English"),
        ("unlike_training", "Unlike the training articles"),
        ("too_short", "Only 120 words; 40 are needed"),
        ("mostly_wrong", "Mostly wrong on similar articles"),
        ("uncalibrated", "Uncalibrated"),
    ):
        found = analysis(Prediction("tfidf", 0.54, 0.1, "cannot_judge", (reason,)))
        markup = render_verdicts.verdicts(found, titles, {})
        first = re.findall(r"<li.*?</li>", markup, re.S)[0]
        assert 'class="fn-fail"' in first and why in first and "No verdict" in markup


@pytest.mark.parametrize(
    ("wrong", "bounds", "mark"), [(4, (0.01, 0.07), "pass"), (24, (0.28, 0.53), "wait"), (40, (0.54, 0.77), "fail")]
)
def test_similar_articles_pass_where_it_was_clearly_right_on_them(
    wrong: int, bounds: tuple[float, float], mark: str
) -> None:
    found = replace(record(60, wrong, 80), interval=bounds)
    seen = replace(analysis(Prediction("tfidf", 0.9, 2.0, "fake")), track_records=(found,))
    markup = render_verdicts.verdicts(seen, {"tfidf": "TF-IDF"}, {})
    assert re.search(rf'<li class="fn-{mark}"><details><summary>On similar articles', markup)


def test_checks_that_fail_are_marked_without_colour() -> None:
    apart = analysis(
        Prediction("tinybert", 0.9, 2.0, "cannot_judge", ("models_disagree",)),
        Prediction("tfidf", 0.1, -2.0, "cannot_judge", ("models_disagree",)),
    )
    markup = render_verdicts.verdicts(apart, {"tinybert": "TinyBERT", "tfidf": "TF-IDF"}, {})
    (item,) = re.findall(r'<li class="fn-fail">.*?The models disagree.*?</li>', markup, re.S)
    assert "take care" in item and "neither verdict should be used" in item


def test_what_the_models_say_can_be_heard() -> None:
    fake = Prediction("tinybert", 0.87, 2.0, "fake")
    unsure = Prediction("tfidf", 0.54, 0.1, "cannot_judge", ("too_close",))
    titles = {"tinybert": "TinyBERT", "tfidf": "TF-IDF"}
    said = "TinyBERT: Fake-like, 87% fake. TF-IDF: No verdict, too close to call."
    assert render_verdicts.verdicts_heard(analysis(fake, unsure), titles) == render.heard(said)
    # The place of what is heard stays the same element, empty or not, or it would not be said.
    changed = render_verdicts.changes_heard(WhatIf("text", (fake,), (replace(unsure, model="tinybert"),), 0.1), titles)
    place = render.heard("").removesuffix("</p>")
    assert changed == f"{place}TinyBERT: No verdict, 54% fake, before 87%.</p>"


def test_headings_leave_no_level_out_beneath_the_page_s_own() -> None:
    said = render_verdicts.verdicts(analysis(Prediction("tfidf", 0.87, 2.0, "fake")), {"tfidf": "TF-IDF"}, {})
    for markup in (said, render_verdicts.examples([("id1", "Title", "kind")])):
        levels = [1, *map(int, re.findall(r"<h(\d)", markup))]
        assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))


def test_top_words_sum_repeats_and_put_the_strongest_first() -> None:
    e = explanation("bad good Bad", [(0, 3, 1.0), (4, 8, -1.5), (9, 12, 1.0)])
    assert re.findall(r"<em>([a-z]+)", render_words.top_words([("TF-IDF", e)])) == ["bad", "good"]
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
    e = explanation("good", [(0, 4, 1.0)])
    badge = render_highlights.legend(replace(e, grade=graded("good")), "TinyBERT", "SHAP")
    for number in ("0.95", "2.00", "0.10", "0.30", "1.50", "2.10", "0.00", "good fit"):
        assert number in badge
    assert "No grade" in render_highlights.legend(e, "TinyBERT", "SHAP")
    assert "rade" not in strip_tags(render_highlights.legend(e, "TinyBERT", "SHAP", graded=False))


def test_sentences_are_tinted_whole() -> None:
    text = "One two. Three four."
    e = explanation(text, [(0, 3, 1.0), (4, 7, 1.0), (9, 14, -1.0), (15, 19, 0.9)])
    markup = render_highlights.highlighted(e, "sentence")
    assert [strip_tags(m) for m in re.findall(r"<mark[^>]*>(.*?)</mark>", markup)] == ["One two."]
    assert re.findall(r'data-key="([\d-]+)"', markup) == ["0-8", "0-3", "4-7", "9-20", "9-14", "15-19"]


def test_the_title_is_drawn_apart_and_no_character_is_lost() -> None:
    text = "A short title\n\nThe body of it."
    for markup in (render_highlights.plain(text), render_highlights.highlighted(explanation(text, [(2, 7, 1.0)]))):
        assert strip_tags(markup) == text
        (title,) = re.findall(r'<b class="fn-title">(.*?)</b>', markup)
        assert strip_tags(title) == "A short title"


def test_an_edit_shows_the_number_before_and_after() -> None:
    before, after = Prediction("tfidf", 0.9, 2.0, "fake"), Prediction("tfidf", 0.1, -2.0, "real")
    markup = render_verdicts.verdicts(
        analysis(before), {"tfidf": "TF-IDF"}, {}, WhatIf("text", (before,), (after,), 0.12)
    )
    for part in ("<b>10%</b>", "real-like", "90% before the edit, fake-like", '<s style="left:90.0%">'):
        assert part in markup


def test_a_flip_says_how_it_was_found() -> None:
    two = replace(FLIP, removed=(0, 1))
    assert "without one sentence, from 90% to 20% fake; no smaller set can exist" in render_edits.flip(FLIP, "TF-IDF")
    assert "every smaller set of the 2 sentences was tried" in render_edits.flip(two, "TF-IDF")
    assert "smaller set may exist" in render_edits.flip(replace(two, exact=False), "TF-IDF")
    assert "no set of sentences flips it" in render_edits.flip(replace(FLIP, removed=()), "TF-IDF")


def test_the_record_on_similar_articles_counts_verdicts_and_says_on_which_articles() -> None:
    said, where = render_verdicts.track_record(record(60, 40, 80))
    assert said == "wrong 67% of the time (54–77%)"
    assert where == "60 verdicts on the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES"
    said, where = render_verdicts.track_record(record(0, 0, 80))
    assert said == "no verdict"
    assert where == "on none of the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES"


def test_a_record_of_an_older_link_reads_as_it_did() -> None:
    said, where = render_verdicts.track_record(record(80, 40, None))
    assert said == "wrong 50% of the time (54–77%)"
    assert where == "measured on the 80 held-out articles nearest to it, 70 of ISOT, 10 of FA-KES"


def test_what_is_waited_for_is_told_in_few_words() -> None:
    assert "4.2 s left" in render.progress("", 0.5, 4.21) and "17 min left" in render.progress("", 0.5, 1022.0)
