"""The formatting test: edits of a text that keep its meaning, and what they did to a verdict.

A dateline or a lost apostrophe can flip the prediction of a model that learned publishers rather than stories. The list
of edits is fixed and versioned, so that a flip rate measured today can be compared with one measured later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakenews.schema import JsonValue, as_json

FORMATTING_VERSION = 1

_TITLE_WORDS = 30  # a first paragraph longer than this is no title

_STRAIGHT = str.maketrans({**dict.fromkeys("‘’‚‛", "'"), **dict.fromkeys("“”„‟", '"')})
_QUOTES = "'\"‘’‚‛“”„‟"

# "SEOUL (Agency) - ", "WEST PALM BEACH, Fla. (Agency) — " or "GENEVA - " where the story begins.
_DATELINE = re.compile(
    r"\s*(?:[A-Z][^\n()]{1,60})?\([A-Z][\w .&/\-]{1,30}\)\s*[-–—]{1,2}\s+|\s*[A-Z][A-Z .,'/\-]{2,60}?\s[-–—]{1,2}\s+"
)
# No match begins inside a run of spaces or line ends, which would be tried from each of its characters.
_AGENCY = re.compile(r"(?<![^\S\n])[^\S\n]*\((?:Reuters|AP|AFP|UPI|Associated Press|Thomson Reuters)\)")
_FIRST_SENTENCE = re.compile(r"\w{2}[.!?][\"'”’]?(?=\s|$)")
_CREDIT = re.compile(
    r"(?<!\n)\n+(?:Featured image|Photo by|Image via|Via:|Source:|Read more:?)[^\n]{0,200}(?=\n|$)"
    r"|(?<![^\S\n])[^\S\n]*https?://\S+"
)


@dataclass(frozen=True, slots=True)
class Edit:
    """One meaning-preserving edit: `apply` is pure, and gives back the same text where there is nothing to edit."""

    name: str  # key in `EDITS` and in stored results
    description: str  # what is done to the text; one sentence
    apply: Callable[[str], str]  # from the user's text, title and body as `text.join` makes them, to the edited one


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """What one edit did."""

    edit: str  # key in `EDITS`
    changed: bool  # whether the edit found something to edit; where it did not, nothing can have moved
    p_fake: Mapping[str, float]  # probability of fake after the edit, by model
    moved: tuple[str, ...]  # models that now lean to the other class


@dataclass(frozen=True, slots=True)
class FormattingTest(JsonValue):
    """How the models' answers to one text fared under every edit of `EDITS`, in their order."""

    version: int  # `FORMATTING_VERSION` of the list of edits
    p_fake: Mapping[str, float]  # probability of fake of the text as it is, by model
    edits: tuple[EditOutcome, ...]
    seconds: float  # wall-clock time of the test

    @property
    def moved(self) -> tuple[str, ...]:
        """Models whose prediction some edit flipped, in the order asked."""
        return tuple(model for model in self.p_fake if any(model in o.moved for o in self.edits))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, each edit with its description."""
        edits = [{**as_json(outcome), "description": EDITS[outcome.edit].description} for outcome in self.edits]
        return {**as_json(self), "moved": list(self.moved), "edits": edits, "seconds": round(self.seconds, 4)}


def outcomes(
    before: Mapping[str, float], changed: Sequence[bool], after: Mapping[str, Sequence[float]]
) -> tuple[EditOutcome, ...]:
    """Return the outcomes of all edits, in the order of `EDITS`.

    Parameters
    ----------
    before : mapping of str to float
        Probability of fake of the text as it is, by model.
    changed : sequence of bool
        Whether each edit changed the text.
    after : mapping of str to sequence of float
        Probability of fake after each edit, by model.
    """
    return tuple(
        EditOutcome(
            name,
            changed[i],
            {model: float(after[model][i]) for model in before},
            tuple(model for model in before if flips(before[model], after[model][i])),
        )
        for i, name in enumerate(EDITS)
    )


def flips(before: float, after: float) -> bool:
    """Return whether two probabilities of fake lie on different sides of one half."""
    return (before >= 0.5) != (after >= 0.5)


def edited_texts(text: str) -> tuple[str, ...]:
    """Return the text under every edit, in the order of `EDITS`; unchanged where an edit has nothing to do."""
    return tuple(edit.apply(text) for edit in EDITS.values())


def title_and_body(text: str) -> tuple[str, str]:
    """Split a text as `text.join` made it: a short first line before an empty one is the title, else there is none.

    Nothing needs to follow: a title alone is one too.

    Returns
    -------
    tuple of str
        The title with the line ends after it, and the body; together they are the text.
    """
    head, gap, rest = text.partition("\n\n")
    if not gap or not head.strip() or "\n" in head or len(head.split()) > _TITLE_WORDS:
        return "", text
    body = rest.lstrip("\n") if rest.strip() else ""
    return text[: len(text) - len(body)], body


def _add_dateline(text: str) -> str:
    title, body = title_and_body(text)
    return text if _DATELINE.match(body) or not body.strip() else f"{title}WASHINGTON (Reuters) - {body.lstrip()}"


def _remove_dateline(text: str) -> str:
    title, body = title_and_body(text)
    return title + body[dateline.end() :] if (dateline := _DATELINE.match(body)) else text


def _add_agency(text: str) -> str:
    title, body = title_and_body(text)
    sentence = _FIRST_SENTENCE.search(body)
    if sentence is None or _AGENCY.search(text):
        return text
    return f"{title}{body[: sentence.end()]} (Reuters){body[sentence.end() :]}"


def _remove_agency(text: str) -> str:
    return _AGENCY.sub("", text)


def _straight_quotes(text: str) -> str:
    return text.translate(_STRAIGHT)


def _curly_quotes(text: str) -> str:
    text = re.sub(r"(^|[\s(\[\-–—])\"", r"\1“", text).replace('"', "”")
    return re.sub(r"(^|[\s(\[“\-–—])'(?=\w)", r"\1‘", text).replace("'", "’")


def _lost_quotes(text: str) -> str:
    return re.sub(f"[{_QUOTES}]", "", re.sub(r"(?<=\w)['‘’](?=\w)", " ", text))


def _ending(line: str) -> Callable[[str], str]:
    def apply(text: str) -> str:
        return text if not text.strip() or line in text else f"{text.rstrip()}\n\n{line}"

    return apply


def _remove_credits(text: str) -> str:
    return _CREDIT.sub("", text)


def _shout_title(text: str) -> str:
    title, body = title_and_body(text)
    return title.upper() + body


def _calm_title(text: str) -> str:
    title, body = title_and_body(text)
    return re.sub(r"\b[A-Z]{4,}\b", lambda m: m.group().capitalize(), title) + body


def _long_dashes(text: str) -> str:
    return re.sub(r"(?<=\S)[^\S\n]+(?:-{1,2}|–)[^\S\n]+(?=\S)", "—", text)


def _short_dashes(text: str) -> str:
    return re.sub(r"(?<=\S)[^\S\n]*[–—][^\S\n]*(?=\S)", " - ", text)


def _loose_spaces(text: str) -> str:
    text = re.sub(r"(?<=[.!?]) (?=\S)", "  ", text)
    return re.sub(r"(?<=\S)[^\S\n]*(?=\n|$)", " ", text) if text.strip() else text


_SPECS: tuple[Edit, ...] = (
    Edit("add_dateline", "The story begins with “WASHINGTON (Reuters) - ”.", _add_dateline),
    Edit("remove_dateline", "Place, agency and dash before the story are removed.", _remove_dateline),
    Edit("add_agency", "“(Reuters)” stands after the first sentence.", _add_agency),
    Edit("remove_agency", "Names of news agencies in brackets are removed.", _remove_agency),
    Edit("straight_quotes", "Curly quotation marks and apostrophes become straight ones.", _straight_quotes),
    Edit("curly_quotes", "Straight quotation marks and apostrophes become curly ones.", _curly_quotes),
    Edit("lost_quotes", "Quotation marks are lost, and apostrophes leave a space (“couldn t”).", _lost_quotes),
    Edit("add_photo_credit", "A last line credits a photo.", _ending("Featured image via Drew Angerer/Getty Images")),
    Edit("add_via", "A last line says “Via: Daily Caller”.", _ending("Via: Daily Caller")),
    Edit("add_address", "A last line gives a web address.", _ending("Read more: https://www.example.com/news/2017/story")),
    Edit("remove_credits", "Web addresses and lines of photo, “via” and source credits are removed.", _remove_credits),
    Edit("title_capitals", "The title stands in capitals.", _shout_title),
    Edit("title_calm", "Words in capitals in the title become ordinary ones.", _calm_title),
    Edit("long_dashes", "Hyphens between words become long dashes without spaces.", _long_dashes),
    Edit("short_dashes", "Long dashes become hyphens with spaces.", _short_dashes),
    Edit("loose_spaces", "Two spaces follow each sentence, and one ends each line.", _loose_spaces),
)  # fmt: skip

EDITS: Mapping[str, Edit] = {edit.name: edit for edit in _SPECS}
