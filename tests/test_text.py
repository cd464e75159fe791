"""The neutral text and the way back: what cleaning removes, and that every offset lies on the user's characters."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakenews.classifiers.base import clean_text
from fakenews.schema import Span
from fakenews.text import INVISIBLE, TOKEN, clean, count_words, join, sentence_spans, token_spans, word_spans
from tests.running import ends_within

FRAGMENTS = (
    *(
        "HARBOUR (Reuters) - ",
        "PARIS, Aug. 24 (Some Wire) — ",
        "couldn’t ",
        "couldn t ",
        "Trump’s ",
        "Trump s ",
        "“Yes,” ",
    ),
    *(
        "https://example.org/a?b=c ",
        "@someone ",
        "via The Pier Post\n",
        "Featured image via Nobody ",
        "(Photo: A B/C D) ",
    ),
    *(
        "<p class='x'>",
        "</p>",
        "<![CDATA[",
        "]]>",
        "Reporting by A B; Editing by C\n",
        "\r\n",
        "\n\n",
        " — ",
        "--",
        "’",
        "'",
    ),
    *(
        "&nbsp;",
        "&#8217;",
        "&amp;",
        "\u00a0",
        "\u200b",
        "\x00",
        "\ud800",
        "😀",
        "👩\u200d👧 ",
        "İ",
        "ß",
        "沿海",
        "عاجل ",
        "a",
        "B",
        " ",
        ".",
        "!",
        "(",
        ")",
    ),
)
OF_WORDS = (
    "U.S.",
    "'",
    "’",
    "-",
    "&amp;",
    "&",
    "$",
    "1,000",
    "%",
    "e\u0301",
    "\u05b8",
    "\u064b",
    "\u200d",
    "\u00ad",
    " s ",
    " ",
    ".",
    "#",
)
NASTY = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(), max_size=5), max_size=25).map("".join)
WITHOUT_DEADLINE = settings(deadline=None, max_examples=200, database=None, derandomize=True)


def neutral(source: str) -> str:
    return clean(source).text


def words_in_source(source: str) -> list[str]:
    """Return the user's characters of every word of which classifiers read something."""
    return [source[s.start : s.end] for s in clean_text(source).source_spans]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("“Nobody,” she said.", "Nobody, she said."),
        ("a\r\nb\r\n\r\nc", "a b c"),
        ("  much \t space \u00a0 here \n", "much space here"),
        ("text — dash – dash -- dash", "text - dash - dash - dash"),
        ("well-known", "well-known"),
        ("see https://example.org/x?y=1 now", "see now"),
        ("write to a.b@example.org now", "write to now"),
        ("@SomePatriot said", "said"),
        ("<p>Hello <b>you</b></p>", "Hello you"),
        ("<SCRIPT async>if (a<b && c>d) run();</Script >Rain fell.<style>p {}</style>", "Rain fell."),
        ("<script>a</script>Rain<script>b</script> fell. <scripts>run</scripts>", "Rain fell. run"),
        ("<script>never closed. <style>p {}</style>Rain", "never closed. Rain"),
        ("x\x00y \ud800 z", "x y z"),
        ("😀 smile", "😀 smile"),
        ("Featured image via Screenshot", ""),
        ("It sank.\nVia: The Lantern Post", "It sank."),
        ("沿海渔港完成航道清淤", "沿海渔港完成航道清淤"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_typography_and_credits_go(source: str, expected: str) -> None:
    assert neutral(source) == expected


@pytest.mark.parametrize(
    "dateline",
    [
        "WASHINGTON (Reuters) - ",
        "WASHINGTON (Some Wire) — ",
        "BERLIN/PARIS (Reuters) – ",
        "DENVER, Aug. 24 (Some Wire) - ",
        "(Reuters) - ",
        "CARROWGATE, March 6 — ",
    ],
)
def test_a_dateline_goes_whoever_wrote_it(dateline: str) -> None:
    assert neutral(f"{dateline}The Senate voted.") == "The Senate voted."
    assert neutral(join("A title", f"{dateline}The Senate voted.")) == "A title The Senate voted."


def test_agency_names_go_inside_the_story_too() -> None:
    assert neutral("He told Reuters on Monday (AP) twice.") == "He told on Monday twice."


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        (("couldn’t", "couldn't", "couldn t"), "couldnt"),
        (("He won’t go", "He won't go", "He won t go"), "He wont go"),
        (("Trump’s plan", "Trump's plan", "Trump s plan"), "Trump plan"),
        (("they’re here", "they're here", "they re here"), "they here"),
        (("“I’m here,” he said", '"I\'m here," he said', " I m here,  he said"), "I here, he said"),
    ],
)
def test_how_a_file_writes_its_quotes_makes_no_difference(forms: tuple[str, ...], expected: str) -> None:
    assert [neutral(form) for form in forms] == [expected] * len(forms)


def test_words_lie_on_the_characters_of_the_user() -> None:
    source = "HARBOUR (Reuters) - “It couldn’t sink,”\r\nsaid the mayor’s aide 😀 at İzmir."
    assert words_in_source(source) == [
        "It", "couldn’t", "sink", "said", "the", "mayor’s", "aide", "at", "İzmir",
    ]  # fmt: skip


def test_title_and_body_are_one_text() -> None:
    assert join("Title", "Body") == "Title\n\nBody"
    assert join("  ", "Body") == "Body"


@given(NASTY)
@example("")
@example("\ud83d\ude00 couldn t \x00")
@WITHOUT_DEADLINE
def test_offsets_rise_and_stay_within_the_source(source: str) -> None:
    found = clean(source)
    assert len(found.starts) == len(found.ends) == len(found.text)
    assert found.starts.dtype == found.ends.dtype == np.int32
    assert (np.diff(found.starts) >= 0).all()
    assert (np.diff(found.ends) >= 0).all()
    assert (found.starts < found.ends).all()
    assert (found.starts >= 0).all()
    assert (found.ends <= len(source)).all()


@given(NASTY)
@WITHOUT_DEADLINE
def test_tokens_keep_their_order_in_the_source_and_never_overlap(source: str) -> None:
    found = clean(source)
    spans = [found.source_span(w.start, w.end) for w in token_spans(found.text)]
    assert all(one.end <= two.start for one, two in pairwise(spans))
    assert all(s.start < s.end for s in spans)


WORDS = NASTY | st.lists(st.sampled_from(OF_WORDS) | st.characters(), max_size=12).map("".join)


@given(WORDS)
@WITHOUT_DEADLINE
def test_words_hold_every_letter_and_cut_no_grapheme(text: str) -> None:
    spans = word_spans(text)
    assert all(s.start < s.end for s in spans) and all(one.end <= two.start for one, two in pairwise(spans))
    within = {i for s in spans for i in range(s.start, s.end)}
    letters = {i for m in TOKEN.finditer(text) for i in range(*m.span())}
    assert letters <= within or "&" in text  # an entity is the character it names
    for grapheme in regex.finditer(r"(?!\s)\X", text):
        assert len({i in within for i in range(*grapheme.span())}) == 1, grapheme[0]


@given(WORDS)
@WITHOUT_DEADLINE
def test_every_token_lies_in_one_word_on_the_text_and_on_the_neutral_one(source: str) -> None:
    found = clean_text(source)
    words, spans = found.words, found.source_spans
    assert len(words) == len(spans)
    for w, s in zip(words, spans, strict=True):
        assert found.neutral.text[w.start : w.end] == found.neutral.text[w.start : w.end].strip() != ""
        assert s.start <= found.neutral.starts[w.start] and found.neutral.ends[w.end - 1] <= s.end <= len(source)
    assert all(one.end <= two.start for both in (words, spans) for one, two in pairwise(both))
    assert all(sum(w.start <= t.start and t.end <= w.end for w in words) == 1 for t in found.tokens)
    assert all(any(w.start <= t.start and t.end <= w.end for t in found.tokens) for w in words)


@given(NASTY)
@WITHOUT_DEADLINE
def test_neutral_text_is_plain(source: str) -> None:
    text = neutral(source)
    text.encode("utf-8")
    assert text == " ".join(text.split())
    assert not set(text) & set("‘’“”'\"«»—–\x00\n\r\t\u00a0\u200b")
    assert len(text) <= len(source) + 2 * source.count("—") + 2 * source.count("–") + source.count("--")


@given(st.lists(st.sampled_from(("pier", "council", "opened", "storm", "said", "winter")), min_size=1, max_size=30))
@WITHOUT_DEADLINE
def test_plain_words_come_through_untouched(words: list[str]) -> None:
    source = " ".join(words)
    assert neutral(source) == source
    assert words_in_source(source) == words


@given(
    st.lists(
        st.sampled_from(("couldn{0}t", "mayor{0}s", "they{0}re", "{1}No,{2} he said.", "the pier", "we{0}ll", "I{0}m")),
        max_size=12,
    )
)
@WITHOUT_DEADLINE
def test_three_typographies_give_one_neutral_text(pieces: list[str]) -> None:
    pattern = " ".join(pieces)
    curly, straight, lost = (pattern.format(*marks) for marks in ("’“”", '\'""', " " * 3))
    assert neutral(curly) == neutral(straight) == neutral(lost)


HOSTILE = (
    "'via ' + 'A' * 3000 + '!'",
    "'a' + ' ' * 20000 + 'b'",
    "'a' + '\\n' * 20000 + 'b'",
    "'<a' * 10000",
    "'A.' * 10000",
    "'<script>' * 2500",
    "'<script>' + 'a<' * 9000",
)


@pytest.mark.parametrize("expression", HOSTILE)
def test_hostile_text_does_not_hold_cleaning_up(expression: str) -> None:
    ends_within(30, f"from fakenews.text import clean; clean({expression})")


@pytest.mark.parametrize("piece", ["A.", "a-", "a'", "9,", "a**", "a s", "&amp;", "e\\u0301", "a\\u00ad", "\\u200d"])
def test_hostile_text_does_not_hold_words_up(piece: str) -> None:
    ends_within(
        30, f"from fakenews.text import word_spans; word_spans({piece!r}.encode().decode('unicode_escape') * 10000)"
    )


def test_tokens_are_runs_of_letters_digits_and_underscores() -> None:
    assert token_spans("a_1, Bé 沿海") == word_spans("a_1, Bé 沿海") == (Span(0, 3), Span(5, 7), Span(8, 10))
    assert [text for text in ("U.S.", "a_1", "don't") if len(token_spans(text)) == 1] == ["a_1"]
    assert count_words("a_1, Bé 沿海") == 3 and count_words("The U.S. doesn't.") == 3
    assert word_spans("") == token_spans("") == ()


@pytest.mark.parametrize(
    "words",
    [
        "The U.S. Senate, U.S.-led U.S.'s (D-N.D.) 3 p.m. e.g. N.Y.P.D Ph.D. J.K. U.N",
        "don't don’t Trump’s Trump's O'Neill 1990's won`t it's Jr.’s",
        "co-founder mother-in-law 2016-17 C-SPAN x‑y",
        "WFC.N 401(k) 1,000 3.5% $1,000.50 US$5 €3 5° 9/11 10:30 24/7 v2.0",
        "AT&T AT&amp;T Q&A S&P C++ C# A+ LGBTQ+ E! #MeToo w/o n/a sh*t F**k",
        "caf&eacute; Trump&#8217;s don&rsquo;t",
        'שָׁלוֹם מֶלֶךְ צה״ל צה"ל',
        "العَرَبِيَّة السَّلامُ می\u200cخواهم",
        "हिन्दी क्\u200dष कि தமிழ் ไทยกำ",
        "e\u0301te\u0301 Wa\u00adshing\u00adton col·lecció a_1 沿海渔港",
    ],
)
def test_a_word_is_what_a_reader_calls_one(words: str) -> None:
    found = [words[s.start : s.end] for s in word_spans(words)]
    assert found == [word.strip(",") for word in words.replace("(D-N.D.)", "D-N.D.").split()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("said at 3 p.m.The end.I saw", ["said", "at", "3", "p.m.", "The", "end", "I", "saw"]),
        ("“No!” It was I! 'So' the Smiths' dog", ["No", "It", "was", "I", "So", "the", "Smiths", "dog"]),
        ("on CNN.A man, (d) 5 (k)", ["on", "CNN", "A", "man", "d", "5", "k"]),
        ("a--b, c - d and/or e – f…", ["a", "b", "c", "d", "and", "or", "e", "f"]),
        ("1+1, 2. **bold** ❤️ &notaname; #1 x & y", ["1", "1", "2", "bold", "notaname", "1", "x", "y"]),
        ("He couldn t. Trump s plan O Reilly IT S", ["He", "couldn t", "Trump s", "plan", "O Reilly", "IT S"]),
    ],
)
def test_what_only_stands_beside_a_word_is_not_of_it(text: str, words: list[str]) -> None:
    assert [text[s.start : s.end] for s in word_spans(text)] == words


def test_words_of_an_article_hold_no_stump_of_a_word() -> None:
    lost = "The U.S. said it couldn t, and Donald J. Trump s aide didn’t; the U.N. won't: a b."
    assert words_in_source(lost) == [
        "The", "U.S.", "said", "it", "couldn t", "and", "Donald", "J", "Trump s", "aide", "didn’t", "the", "U.N.",
        "won't", "a", "b",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", list(INVISIBLE))
def test_invisible_hyphens_change_no_word(mark: str) -> None:
    source = "In Wa\u015bhington, Tuesday's weather was unbearable."
    hyphenated = source.replace("es", f"e{mark}s").replace("ea", f"e{mark}{mark}a")
    assert hyphenated.count(mark) == 5
    plain, neutral = clean(source), clean(hyphenated)
    assert neutral.text == plain.text
    at = neutral.text.index("Tuesday")
    span = neutral.source_span(at, at + len("Tuesday"))
    assert hyphenated[span.start : span.end] == f"Tue{mark}sday"
    assert clean(f"one {mark}two{mark} three").text == "one two three"  # at the edge of a word it is a space


def test_an_accent_typed_after_its_letter_changes_no_word() -> None:
    composed = "L’élève naïf, señor Müller, İpek."
    typed = unicodedata.normalize("NFD", composed)
    assert len(typed) > len(composed) and neutral(typed) == neutral(composed)
    assert words_in_source(typed) == [unicodedata.normalize("NFD", word) for word in words_in_source(composed)]
    assert neutral("h\u0337e\u0337y \u0301there") == "hey there"  # strokes, and an accent of nothing


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("He said (twice). He left.", ["He said (twice).", "He left."]),
        ("A line\nanother line\n\n", ["A line", "another line"]),
        ("Version 2.5 is out. Wait… what?", ["Version 2.5 is out.", "Wait…", "what?"]),
        (
            "The U.S. Senate met. It was in the U.S. The vote, said Sen. J. D. Smith of St. Paul, is on Jan. 5.",
            [
                "The U.S. Senate met.",
                "It was in the U.S.",
                "The vote, said Sen. J. D. Smith of St. Paul, is on Jan. 5.",
            ],
        ),
        (
            "They met at 5 p.m. on Monday in Washington, D.C.\nMr. Low went.",
            [
                "They met at 5 p.m. on Monday in Washington, D.C.",
                "Mr. Low went.",
            ],
        ),
        (
            "“Wait for the U.S.” Then he left. It was I. Nobody else.",
            [
                "“Wait for the U.S.",
                "Then he left.",
                "It was I.",
                "Nobody else.",
            ],
        ),
        ("  \n ", []),
        ("", []),
    ],
)
def test_sentences_end_at_stops_and_line_ends(text: str, sentences: list[str]) -> None:
    assert [text[s.start : s.end] for s in sentence_spans(text)] == sentences


@given(NASTY)
@WITHOUT_DEADLINE
def test_every_word_is_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert all(one.end <= two.start for one, two in pairwise(spans))
    assert all(sum(s.start <= w.start and w.end <= s.end for s in spans) == 1 for w in word_spans(text))


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("The&nbsp;mayor&nbsp;&nbsp;said so.", "The\u00a0mayor\u00a0\u00a0said so."),
        ("He couldn&#8217;t say &#x201C;yes&#x201d;.", "He couldn’t say “yes”."),
        ("Smith &amp; Sons at the caf&eacute; &mdash; open", "Smith & Sons at the café — open"),
        ("A&amp;nbsp;pier", "A\u00a0pier"),
        ("R&D; costs, &notaname; and AT&T", "R&D; costs, &notaname; and AT&T"),
        ("Not a code: &#55357; here", "Not a code: \ufffd here"),
    ],
)
def test_html_entities_are_read_as_the_characters_they_name(pasted: str, meant: str) -> None:
    neutral = clean(pasted)
    assert neutral.text == clean(meant).text
    words = [neutral.source_span(span.start, span.end) for span in word_spans(neutral.text)]
    assert all(a.end <= b.start for a, b in pairwise(words))
    first, last = words[0], words[-1]
    assert pasted[first.start :].startswith(neutral.text.split()[0][:1]) and last.end <= len(pasted)


def test_a_word_with_an_entity_lies_on_all_of_it() -> None:
    pasted = "The caf&eacute; couldn&#8217;t open."
    neutral = clean(pasted)
    spans = [neutral.source_span(span.start, span.end) for span in word_spans(neutral.text)]
    assert [pasted[span.start : span.end] for span in spans] == ["The", "caf&eacute;", "couldn&#8217;t", "open"]
