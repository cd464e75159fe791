"""The edits of the formatting test: what each does, that each does it once, and what a verdict learns from it."""

from __future__ import annotations

import json

import pytest

from fakenews.classifiers.base import clean_text, distinct_scores
from fakenews.formatting import EDITS, FORMATTING_VERSION, FormattingTest, edited_texts, flips, outcomes, title_and_body
from fakenews.text import join
from tests.running import ends_within

BODY = (
    "GENEVA (Reuters) - The ferry couldn't leave, the captain said. \"We wait for the tide - it's late,\" he said.\n"
    "The port's manager – a former sailor – agreed. Photos are at https://harbour.example/pictures today."
)
ARTICLE = join("LATE tide holds ferry", BODY)
PLAIN = "The ferry waits for the tide and nobody minds. It will leave tomorrow."


@pytest.mark.parametrize(
    ("name", "text", "edited"),
    [
        ("add_dateline", PLAIN, f"WASHINGTON (Reuters) - {PLAIN}"),
        ("add_dateline", join("A title", PLAIN), f"A title\n\nWASHINGTON (Reuters) - {PLAIN}"),
        ("add_dateline", ARTICLE, ARTICLE),
        ("remove_dateline", "GENEVA (Reuters) - The ferry waits.", "The ferry waits."),
        ("remove_dateline", "PALM BEACH, Fla. (AP) — The ferry waits.", "The ferry waits."),
        ("remove_dateline", "GENEVA — The ferry waits.", "The ferry waits."),
        ("remove_dateline", join("A title", "GENEVA (AFP) – Wait."), "A title\n\nWait."),
        ("remove_dateline", PLAIN, PLAIN),
        ("remove_dateline", "A man (Smith) - who waits - left.", "who waits - left."),
        ("add_agency", "The ferry waits. It is late.", "The ferry waits. (Reuters) It is late."),
        ("add_agency", ARTICLE, ARTICLE),
        ("remove_agency", "GENEVA (Reuters) - The ferry (AP) waits.", "GENEVA - The ferry waits."),
        ("straight_quotes", "“It’s late,” he said, ‘late’.", "\"It's late,\" he said, 'late'."),
        ("curly_quotes", "\"It's late,\" he said, 'late'.", "“It’s late,” he said, ‘late’."),
        ("lost_quotes", "“It’s late,” he couldn't say.", "It s late, he couldn t say."),
        ("add_photo_credit", "Late. ", "Late.\n\nFeatured image via Drew Angerer/Getty Images"),
        ("add_via", "Late.", "Late.\n\nVia: Daily Caller"),
        ("add_address", "Late.", "Late.\n\nRead more: https://www.example.com/news/2017/story"),
        ("remove_credits", "Late, see https://a.example/b now.\n\nVia: Daily Caller", "Late, see now."),
        ("title_capitals", join("Late tide", PLAIN), f"LATE TIDE\n\n{PLAIN}"),
        ("title_capitals", PLAIN, PLAIN),
        ("title_calm", join("LATE tide in the USA", "NATO waits."), "Late tide in the USA\n\nNATO waits."),
        (
            "long_dashes",
            "The port - a large one -- and the well-known tide",
            "The port—a large one—and the well-known tide",
        ),
        ("short_dashes", "The port — a large one–waits", "The port - a large one - waits"),
        ("loose_spaces", "Late. It waits.\nSo do we.", "Late.  It waits. \nSo do we. "),
    ],
)
def test_each_edit_does_what_it_says(name, text, edited):
    assert EDITS[name].apply(text) == edited


HARD = ("", " ", "\n\n", "x", "…", '"', "' '", "\u2028", "A (B) - ", "GENEVA - ", "\n\nBody.", "Title.\n\n", "a" * 5000)


@pytest.mark.parametrize("text", (ARTICLE, BODY, PLAIN, *HARD), ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_done_twice_is_done_once(name, text):
    once = EDITS[name].apply(text)
    assert EDITS[name].apply(once) == once


HOSTILE = (
    "'word ' * 3980",
    "'a' + ' ' * 19890 + 'b'",
    "'a' + '\\n' * 19890 + 'b'",
    "'word.\"x ' * 2480",
    "'http:/ ' * 2840",
)


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_text_does_not_hold_the_edits_up(expression):
    ends_within(5, f"from fakenews.formatting import edited_texts; edited_texts({expression})")


@pytest.mark.parametrize(
    ("name", "text", "edited"),
    [
        ("remove_agency", "Late  (AP) (AFP)(UPI) \t (AP)\n (AP)", "Late\n"),
        ("remove_credits", "Late\n\n\nVia: A\n\nSource: B\nhttps://a.example \t https://b.example", "Late\n"),
        ("remove_credits", "Late  https://a.example\n\n The end.", "Late\n\n The end."),
        ("add_agency", 'No stop here\nOr a. "It waits." Late.', 'No stop here\nOr a. "It waits." (Reuters) Late.'),
    ],
)
def test_runs_of_spaces_and_line_ends_go_as_a_whole(name, text, edited):
    assert EDITS[name].apply(text) == edited


def test_every_edit_finds_something_to_do_somewhere():
    texts = (ARTICLE, PLAIN, BODY.replace("'", "’").replace('"', "”"))
    idle = {name for name, edit in EDITS.items() if all(edit.apply(text) == text for text in texts)}
    assert idle == set()


def test_the_words_of_the_story_stay():
    words = ("ferry", "leave", "captain", "tide", "late", "manager", "former", "sailor", "agreed", "today")
    for edit in edited_texts(ARTICLE):
        assert all(word in edit.lower() for word in words)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (join("A title", "Body."), "A title\n\n"),
        ("Body alone.", ""),
        ("One line\nand another\n\nBody.", ""),
        (f"{'word ' * 31}\n\nBody.", ""),
        ("Title\n\n\n\nBody.", "Title\n\n\n\n"),
        ("Title\n\n  ", "Title\n\n  "),
        ("Title\n\n", "Title\n\n"),
        ("Title", ""),
        ("\n\nBody.", ""),
    ],
)
def test_the_title_is_the_short_first_line(text, title):
    found, body = title_and_body(text)
    assert found == title
    assert found + body == text


@pytest.mark.parametrize(("before", "after", "flipped"), [(0.5, 0.49, True), (0.5, 0.9, False), (0.1, 0.5, True)])
def test_a_flip_is_a_change_of_side(before, after, flipped):
    assert flips(before, after) is flipped


def test_outcomes_name_the_models_that_moved():
    n = len(EDITS)
    found = outcomes({"a": 0.9, "b": 0.2}, [True] + [False] * (n - 1), {"a": [0.3] + [0.9] * (n - 1), "b": [0.2] * n})
    test = FormattingTest(FORMATTING_VERSION, {"a": 0.9, "b": 0.2}, found, 0.1)
    assert test.moved == ("a",)
    assert found[0].moved == ("a",) and found[0].changed
    assert all(not o.moved for o in found[1:])
    shown = json.loads(json.dumps(test.to_dict()))
    assert shown["moved"] == ["a"]
    assert shown["edits"][0]["p_fake"] == {"a": 0.3, "b": 0.2}
    assert [e["edit"] for e in shown["edits"]] == list(EDITS)


@pytest.mark.parametrize("name", ["tfidf", "tinybert", "distilbert"])
def test_what_reads_the_same_gets_the_same_answer_and_is_asked_once(name, classifiers):
    classifier = classifiers[name]
    texts = [ARTICLE, *edited_texts(ARTICLE)]
    distinct = {clean_text(text).neutral.text for text in texts}
    assert 1 < len(distinct) < len(texts)
    asked: list[str] = []
    ask = classifier.predict_scores
    classifier.predict_scores = lambda batch: asked.extend(batch) or ask(batch)
    try:
        scores = distinct_scores(classifier, texts)
    finally:
        del classifier.predict_scores
    assert len(asked) == len(distinct)
    assert scores.log_odds == pytest.approx(ask(texts).log_odds, abs=1e-5)
