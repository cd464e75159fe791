"""Pure string functions: the neutral text every classifier reads, and the way back to the user's characters.

`clean` is label-blind: the same function runs at training and at serving, and it removes what names
the publisher or the file rather than the story. Each neutral character remembers which characters of the
source it stands for, so whatever a classifier says of a word can be drawn on the text that was pasted.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from fakenews.schema import Span

CLEANING = "neutral"
CLEANING_VERSION = 1
RAW = "raw"  # no cleaning at all; for measurements that show what cleaning takes away

TOKEN = re.compile(r"\w+")  # what classifiers were trained on, whatever a reader calls a word
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_OPENERS = "The|This|That|These|Those|It|Its|He|She|They|We|You|But|And|In|On|At|As|If|When|While|After|There|What|Who"
# What ends in a stop and seldom ends a sentence; after "U.S." or "Jr." one ends before a word that mostly opens one.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Lt|Col|Sgt|Capt|Rev|Hon|St|vs|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)"
    r"|\b(?P<dotted>[A-Za-z](?:\.[A-Za-z])+|Jr|Sr|Inc|Corp|Ltd)|\b[A-HJ-Z])\.$"
)
_OPENS = re.compile(rf"(?:{_OPENERS})\b")
_LONGEST_ABBREVIATION = 16


# Soft hyphens and their like say where a word may be broken; between letters they are no space.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_MARKS = "\u0300-\u036f"  # accents that were typed after their letter
_MARK, _MARKED = re.compile(f"[{_MARKS}]"), re.compile(f"[^{_MARKS}]?[{_MARKS}]+")

# See `word_spans`; \p{M} are vowel signs and other marks.
_IN_WORD = r"[\p{L}\p{N}\p{M}_]"
_APOSTROPHE = "'\u2018\u2019\u02bc\u00b4`\uff07\u05f3\u00b7\u2027"  # and what joins letters like one
_LOST = rf"(?:s|t|re|ve|ll|d|m|(?<=\p{{Lu}}{{2}}[^\S\n])[ST])(?!{_IN_WORD}|\.\p{{L}}|[{_APOSTROPHE}-])"
_PART = rf"(?:(?<!{_IN_WORD})(?:\p{{L}}(?:[./]\p{{L}})+(?!{_IN_WORD})\.?|Ph\.D\b\.?)|[\p{{L}}\p{{N}}_]{_IN_WORD}*(?:[{INVISIBLE}]+{_IN_WORD}+)*)"
_WORD = regex.compile(
    rf"""
    (?: (?<![\w&])[\#@](?=\p{{L}}) | [$£€¥₹](?=\d) )?
    {_PART}
    (?:
        (?: [{_APOSTROPHE}] | \.[{_APOSTROPHE}](?=s(?!{_IN_WORD})) | [-\u2010\u2011] | (?<=\p{{L}})(?:&|\*+)(?=\p{{L}}) | (?<=\d)[.,:/](?=\d)
          | (?<=\p{{Lu}}{{2}})\.(?=[B-HJ-Z](?!{_IN_WORD})) | (?<=\d)\((?=\p{{L}}\))
          | (?<=\p{{Lu}})[$£€](?=\d) | (?<=\p{{Hebrew}})["\u05f4](?=\p{{Hebrew}})
          | [^\S\n](?={_LOST}) | (?<=(?<!{_IN_WORD})O)[^\S\n](?=\p{{Lu}}\p{{Ll}}) )
        {_PART}
    )*
    (?: (?<=\d)[%‰°¢€£] | (?<=\d\(\p{{L}})\) | \+{{1,2}}(?![\w+]) | (?<=(?<!{_IN_WORD})\p{{Lu}})\#(?!\w) | (?<=(?<!{_IN_WORD})[B-HJ-Z])! )?
    """,
    regex.VERBOSE,
)
_JOINED = regex.compile(r"[^\p{GCB=Other}\p{GCB=Control}\p{GCB=CR}\p{GCB=LF}]")
_GRAPHEME = regex.compile(r"(?!\s)\X")


@dataclass(frozen=True, slots=True)
class CleanedText:
    """Neutral text and its map back.

    Attributes
    ----------
    text : str
        What a classifier reads.
    starts, ends : ndarray of shape (len(text),), int32
        Character i of `text` stands for `source[starts[i]:ends[i]]`.
    """

    text: str
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def source_span(self, start: int, end: int) -> Span:
        """Return the characters of the source that neutral characters `start` to `end` (exclusive) stand for."""
        return Span(int(self.starts[start]), int(self.ends[end - 1]))


class Rule(NamedTuple):
    """One removal: `name` for the documentation, what it matches, what stands there afterwards."""

    name: str
    pattern: re.Pattern[str]
    replacement: str


_INSIDE_A_WORD = Rule("invisible hyphen", re.compile(rf"(?<=\w)[{INVISIBLE}]+(?=\w)"), "")

_ENTITY = re.compile(r"&(?:#(?:\d{1,7}|[xX][0-9A-Fa-f]{1,6})|[A-Za-z][A-Za-z0-9]{1,30});")
_TIMES_ESCAPED = 2  # pages quote pages

# One character for one character, so the map is untouched. Line ends stay: datelines are found by them.
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
        **dict.fromkeys("“”„‟″\u00ab\u00bb＂", '"'),
        **dict.fromkeys("‐‑‒−﹣－", "-"),
        **dict.fromkeys("―—", "–"),
        **dict.fromkeys("\u2028\u2029\x85\x0b\x0c", "\n"),
        **dict.fromkeys(f"{INVISIBLE}\u061c", " "),
        **{chr(c): " " for c in (*range(0x09), *range(0x0E, 0x20), 0x09, 0x0D, 0x7F, *range(0x80, 0x85))},
        **{chr(c): " " for c in (*range(0x86, 0xA1), *range(0x2000, 0x2010), *range(0x202A, 0x2030))},
        **{chr(c): " " for c in (0x1680, 0x205F, 0x3000, *range(0x2066, 0x206A))},
        **{chr(c): " " for c in range(0xD800, 0xE000)},  # lone surrogates cannot be encoded
        "İ": "I",  # the one letter whose lower case is longer than itself
    }
)

# Capitalised names in a row, as in "Drew Angerer/Getty Images" or "The Lantern Post".
_NAMES = r"(?:[A-Z@#][\w&'.\-]*+[^\S\n]*+(?:[/|,][^\S\n]*+)?(?:(?:via|by|of|and|for|the)[^\S\n]+(?=[A-Z@]))?){1,9}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_DASH = r"(?:–|-{1,2})"
_NOT = "ain|aren|can|couldn|didn|doesn|don|hadn|hasn|haven|isn|mightn|mustn|needn|shouldn|wasn|weren|won|wouldn"

RULES: tuple[Rule, ...] = (
    Rule(
        "markup",
        re.compile(
            r"<(?P<code>(?i:script|style))\b[^<>]{0,500}>(?:[^<]++|<(?!/?(?i:script|style)\b))*+</(?i:(?P=code))\s*>"
            r"|(?://\s*)?<!\[CDATA\[.{0,3000}?\]\]>|</?[A-Za-z!][^<>]{0,500}>",
            re.S,
        ),
        " ",
    ),
    Rule(
        "address",
        re.compile(
            r"https?:/?/?\S*|\bwww\.\S+|[\w.+\-]{1,64}@[\w\-]{1,64}\.\w[\w.]{0,64}"
            r"|\b(?:[\w\-]{1,63}\.){1,4}(?:com|org|net|info|gov|edu|tv|ly|co\.uk)\b(?:/\S*)?|\bt\.co/\w+",
            re.I,
        ),
        " ",
    ),
    Rule("handle", re.compile(r"@\w+"), " "),
    Rule(
        "dateline",
        re.compile(
            rf"^[^\S\n]*(?:[A-Z][\w .,'/&\-]{{1,60}}?)?\((?:[A-Z][\w&'./ \-]{{1,40}})\)[^\S\n]*(?:{_DASH}|:)\s+"
            rf"|^[^\S\n]*(?:[A-Z][A-Z.'/\-]+,?[^\S\n]+){{1,4}}(?:[A-Z][a-z]+\.?,?[^\S\n]+)?"
            rf"(?:{_MONTH}[^\S\n]+\d{{1,2}},?[^\S\n]+)?{_DASH}\s+",
            re.M,
        ),
        "",
    ),
    Rule(
        "credit",
        re.compile(
            r"\(?(?:Featured|Feature|Cover)[^\S\n]+(?i:image|photo|picture|video)s?(?:[^\S\n]+(?i:credit|courtesy))?"
            rf"[^\S\n]*:?[^\S\n]*(?:(?:via|by|of|from)\b[^\S\n]*)?:?[^\S\n]*(?:{_NAMES})?(?:(?:video )?screen ?(?:shot|grab|cap)\w*)?\)?"
            r"|\(?\b(?:[Pp]hoto|[Ii]mage|[Pp]icture|[Pp]hotograph|[Ss]creen ?(?:shot|grab|cap(?:ture)?)|[Vv]ideo)s?"
            rf"(?:[^\S\n]+(?:credit|courtesy))?(?:[^\S\n]*:|[^\S\n]+(?:via|by|of|from)\b)[^\S\n]*(?:{_NAMES}|(?:video )?screen ?(?:shot|grab|cap)\w*)\)?"
            rf"|\(?\b(?:H/T|h/t|Via|VIA|Source|SOURCE|Sources)[^\S\n]*:[^\S\n]*(?:{_NAMES})?\)?"
            rf"|\b(?:Via|via|VIA)[^\S\n]+{_NAMES}$"
            rf"|\b(?:Read|READ|Continue|Watch)[^\S\n]+(?:more|MORE|reading|the rest|this article)"
            rf"[^\S\n]*(?:at|on|from|here|AT)?[^\S\n]*:?[^\S\n]*(?:{_NAMES})?"
            rf"|\(?\b(?:Additional[^\S\n]+)?(?:[Rr]eporting|[Ww]riting|[Ee]diting|Compiled)[^\S\n]+by[^\S\n]+{_NAMES}"
            rf"(?:;[^\S\n]*(?:[Ww]riting|[Ee]diting)[^\S\n]+by[^\S\n]+{_NAMES})*\)?",
            re.M,
        ),
        " ",
    ),
    Rule(
        "boilerplate",
        re.compile(
            r"(?:The )?opinions expressed are (?:his|her|their) own\.\s*(?:\w+ has not edited the statements "
            r"or confirmed their accuracy\.?)?",
            re.I,
        ),
        " ",
    ),
    Rule(
        "agency",
        re.compile(
            r"\(?\b(?:Thomson[^\S\n]+)?Reuters(?:[^\S\n]+Foundation)?\b\)?"
            r"|\(?\b(?:The[^\S\n]+)?Associated[^\S\n]+Press\b\)?|\((?:AP|UPI|dpa)\)"
            r"|\(?\b(?:Agence[^\S\n]+France.Presse|AFP)\b\)?"
            r"|\b21st[^\S\n]+Century[^\S\n]+Wire\b|\b21WIRE\b|\bGetty(?:[^\S\n]+Images)?\b"
        ),
        " ",
    ),
    # "couldn’t", "couldn't" and "couldn t" all become "couldnt"; the clitics of "Trump’s" and "they re" go.
    Rule("negation", re.compile(rf"(?i)\b(?:{_NOT})(?P<cut>[^\S\n]?'[^\S\n]?|[^\S\n])t\b"), ""),
    Rule(
        "clitic",
        re.compile(
            r"(?<=\w)[^\S\n]?'[^\S\n]?(?i:s|re|ve|ll|d|m)\b(?!')"
            r"|(?<=[^\W\d_])[^\S\n](?:s|re|ve|ll|d|m)\b(?![.'\-])|(?<=[A-Z]{2})[^\S\n]S\b(?![.'\-])"
        ),
        "",
    ),
    Rule("quote", re.compile(r"['\"]+"), " "),
    Rule("dash", re.compile(r"(?:(?<!\s)\s+)?(?:–|-{2,})\s*"), " - "),
    Rule("empty brackets", re.compile(r"\(\s*\)|\[\s*\]"), " "),
    Rule("space", re.compile(r"^\s+|(?<!\s)\s+$"), ""),
    Rule("space", re.compile(r"\s+"), " "),
)


def clean(source: str) -> CleanedText:
    """Give the neutral text of an article, with the way back to the characters of `source`.

    Parameters
    ----------
    source : str
        Title and body as `join` makes them, or any text. Nothing is known or asked of its label.

    Returns
    -------
    CleanedText
        HTML entities are the characters they name. Datelines, agency names, photo and "via" credits, addresses,
        handles, markup and quotation marks are gone. Clitics, negations, dashes and spaces have one form. Letters keep
        their case, and a letter and its accent are one character, however they were typed.
    """
    starts = np.arange(len(source), dtype=np.int32)
    ends = starts + 1
    if "&" in source:
        source, starts, ends = _unescape(source, starts, ends)
    if not source.isascii():
        source, starts, ends = _compose(source, starts, ends)
        source, starts, ends = _apply(_INSIDE_A_WORD, source, starts, ends)
    text = source.translate(_CHARACTERS)
    for rule in RULES:
        text, starts, ends = _apply(rule, text, starts, ends)
    return CleanedText(text, starts, ends)


def untouched(source: str) -> CleanedText:
    """Give `source` as it is behind the same interface: every character stands for itself."""
    starts = np.arange(len(source), dtype=np.int32)
    return CleanedText(source, starts, starts + 1)


def _unescape(
    text: str, starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> tuple[str, NDArray[np.int32], NDArray[np.int32]]:
    """Replace HTML entities by their characters; each stands for the whole entity."""
    for _ in range(_TIMES_ESCAPED):
        cuts = []
        for m in _ENTITY.finditer(text):
            character = html.unescape(m[0]) if m[0][1] == "#" else html5.get(m[0][1:])
            if character is not None:
                cuts.append((*m.span(), character))
        if not cuts:
            break
        text, starts, ends = _splice(text, starts, ends, cuts)
    return text, starts, ends


def _compose(
    text: str, starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> tuple[str, NDArray[np.int32], NDArray[np.int32]]:
    """Compose each letter with its accents; accents that no letter of Unicode has are dropped."""
    matches = _MARKED.finditer(text)
    return _splice(
        text, starts, ends, [(*m.span(), _MARK.sub("", unicodedata.normalize("NFC", m[0]))) for m in matches]
    )


def _apply(
    rule: Rule, text: str, starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> tuple[str, NDArray[np.int32], NDArray[np.int32]]:
    group = "cut" if "cut" in rule.pattern.groupindex else 0
    spans = [m.span(group) for m in rule.pattern.finditer(text)]
    cuts = [(a, b, rule.replacement) for a, b in spans if b > a and text[a:b] != rule.replacement]
    return _splice(text, starts, ends, cuts)


def _splice(
    text: str, starts: NDArray[np.int32], ends: NDArray[np.int32], cuts: Sequence[tuple[int, int, str]]
) -> tuple[str, NDArray[np.int32], NDArray[np.int32]]:
    """Put something else in the place of stretches; each of its characters stands for the whole stretch."""
    if not cuts:
        return text, starts, ends
    pieces: list[str] = []
    keep_starts: list[NDArray[np.int32]] = []
    keep_ends: list[NDArray[np.int32]] = []
    last = 0
    for a, b, replacement in cuts:
        pieces += (text[last:a], replacement)
        n = len(replacement)
        keep_starts += (starts[last:a], np.full(n, starts[a], dtype=np.int32))
        keep_ends += (ends[last:a], np.full(n, ends[b - 1], dtype=np.int32))
        last = b
    pieces.append(text[last:])
    keep_starts.append(starts[last:])
    keep_ends.append(ends[last:])
    return "".join(pieces), np.concatenate(keep_starts), np.concatenate(keep_ends)


def join(title: str, body: str) -> str:
    """Return the title and body as the one text that classifiers read and explanations point into."""
    return f"{title}\n\n{body}" if title.strip() else body


@lru_cache(maxsize=20_000)
def bare_word(word: str) -> str:
    """Return a word as classifiers read it, for counting: without clitic and apostrophe, its accents composed."""
    return clean(word).text or word


def browser_lines(text: str) -> str:
    """Return `text` with the line ends that a browser knows: one character each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encodable(text: str) -> str:
    """Return `text` with lone surrogates, which cannot be sent or stored, replaced one for one."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def page_text(title: str, body: str) -> str:
    """Return the title and body as the one text that a page shows and a review set is about."""
    return browser_lines(encodable(join(title, body)))


def utf16_offsets(text: str) -> NDArray[np.int64]:
    """Return the UTF-16 offset of every character of `text` and of its end, as JavaScript counts, (len(text) + 1,)."""
    return np.cumsum([0, *(1 + (character > "\uffff") for character in text)])


def token_spans(text: str) -> tuple[Span, ...]:
    """Return the runs of letters, digits and underscores of a neutral text, in order: what classifiers read."""
    return tuple(Span(*m.span()) for m in TOKEN.finditer(text))


def word_spans(text: str) -> tuple[Span, ...]:
    """Return what a reader calls the words of the user's own `text`, in order: the units of every explanation.

    A word is a run of letters, digits and their marks, and what joins such runs: "don't", "Trump's", "O'Neill",
    "co-founder", "AT&T", "sh*t", "1,000", "9/11", "U.S.", "e.g.", "w/o"; with the signs that belong to it: "$1.5",
    "50%", "#MeToo", "C++", "E!". An apostrophe that a file lost is still one: "couldn t", "Trump s", "O Reilly". HTML
    entities are the characters they name. Words hold every character of `TOKEN`, and begin and end between graphemes
    (UAX #29), so no vowel sign, accent, joiner or soft hyphen is cut from its letter.
    """
    plain = _unescape(text, starts := np.arange(len(text), dtype=np.int32), starts + 1) if "&" in text else None
    spans = [m.span() for m in _WORD.finditer(plain[0] if plain else text)]
    if plain:
        spans = [(int(plain[1][start]), int(plain[2][end - 1])) for start, end in spans]
    if not text.isascii():
        spans = _whole_graphemes(text, spans)
    return tuple(Span(*span) for span in spans)


def _whole_graphemes(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Widen spans to the graphemes they begin and end in; those that then overlap become one."""
    if not _JOINED.search(text):
        return list(spans)
    starts, ends = np.array([m.span() for m in _GRAPHEME.finditer(text)]).reshape(-1, 2).T
    whole: list[tuple[int, int]] = []
    for start, end in spans:
        first, last = np.searchsorted(ends, (start, end - 1), side="right").tolist()
        if first < len(starts):
            start = min(start, int(starts[first]))
        if last < len(starts) and starts[last] < end:
            end = max(end, int(ends[last]))
        if whole and start < whole[-1][1]:
            start, end = whole[-1][0], max(end, whole.pop()[1])
        whole.append((start, end))
    return whole


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Return the sentences of `text`, in order, without the space between them; line ends close a sentence."""
    spans, start = [], 0
    for m in _SENTENCE_END.finditer(text):
        if _goes_on(text, m):
            continue
        if text[start : m.start()].strip():
            spans.append(Span(start, m.start()))
        start = m.end()
    if text[start:].strip():
        spans.append(Span(start, len(text.rstrip())))
    return tuple(spans)


def _goes_on(text: str, stop: re.Match[str]) -> bool:
    """Return whether a stop belongs to an abbreviation, as in "Sen. Smith", "J. Smith" and "the U.S. Senate"."""
    if "\n" in stop.group() or stop.group().strip():  # a line or a quotation ends here
        return False
    abbreviation = _ABBREVIATION.search(text, max(stop.start() - _LONGEST_ABBREVIATION, 0), stop.start())
    return abbreviation is not None and not (abbreviation["dotted"] and _OPENS.match(text, stop.end()))


def count_words(text: str) -> int:
    """Return the number of words of `text`, as `word_spans` sees them."""
    return len(word_spans(text))
