"""Tables as people have them: which column is what, and what a label means, where the table says so; else a question.

Fake is written 0, 1, FAKE, FALSE, "unreliable" or "pants-fire". What a column's name, the values or the layout of a
well-known corpus do not settle is asked, never guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.data.delimited import find_column, listed_names
from fakenews.schema import FAKE, LABELS

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.data.table import LabeledTable

COLUMN_NAMES = {
    "text": ("text", "content", "body", "article", "article_text", "full_text", "statement", "news"),
    "title": ("title", "headline"),
    "label": ("label", "class", "target", "is_fake", "fake", "is_real", "real", "verdict", "rating"),
}
FAKE_VALUES = frozenset(
    ("fake", "false", "fake news", "unreliable", "hoax", "misinformation", "disinformation", "untrue")
    + ("barely-true", "mostly-false", "pants-fire", "pants-on-fire")
)
REAL_VALUES = frozenset(
    ("real", "true", "real news", "reliable", "genuine", "legit", "legitimate", "trustworthy", "credible")
    + ("half-true", "mostly-true")
)
MISSING = frozenset(("", "nan", "none", "null", "n/a", "na"))
LIAR = ("id", "label", "text", "subject", "speaker", "job", "state", "party", "c1", "c2", "c3", "c4", "c5", "context")
RARE = 0.01  # of the rows: other values than the two labels, which a row out of step leaves
_LIAR_ID = re.compile(r"\d+\.json")
_LIAR_LABELS = frozenset(("true", "mostly-true", "half-true", "barely-true", "false", "pants-fire"))
_OURS = frozenset(("id", "title", "text", "label", "subject", "date", "split"))
_BITS = frozenset(("0", "1"))


class Question(ValueError):
    """Raised where a table does not say something; the message names the option that does.

    Attributes
    ----------
    option : str
        Of `fakenews data add`, without its dashes.
    choices : tuple of str
        What it can be.
    """

    def __init__(self, message: str, option: str, choices: Sequence[str]) -> None:
        super().__init__(message)
        self.option, self.choices = option, tuple(choices)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user said of a table: names of columns, its encoding, and the values of its label that are fake."""

    text: str = ""
    title: str = ""
    label: str = ""
    encoding: str = ""
    fake: tuple[str, ...] = ()

    def saying(self, option: str, value: str) -> Choices:
        """Return them with an answer to a `Question`."""
        columns: dict[str, str] = {option: value}
        return replace(self, fake=(value,)) if option == "fake" else replace(self, **columns)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Polarity:
    """What the values of a label mean."""

    # of each value, "fake" or "real"; empty where nothing says so
    meaning: Mapping[str, str] = field(default_factory=dict)
    because: str = ""  # what says so, or why nothing does; half a sentence
    is_users: bool = False  # whether the user said it

    @property
    def sentence(self) -> str:
        """Say how labels are read, and why."""
        parts = []
        for name in LABELS:
            values = [value for value, label in self.meaning.items() if label == name]
            if values:
                parts.append(f"{' and '.join(values)} {'is' if len(values) == 1 else 'are'} read as {name}")
        return f"Label {', '.join(parts)}: {self.because}."


@dataclass(frozen=True, slots=True)
class Incoming:
    """A table before its labels were given a meaning."""

    # columns `text`, `label` (a value as text) and, where there are such, others of `schema.TABLE_COLUMNS`
    frame: pd.DataFrame
    values: Mapping[str, int]  # rows of each label, the most frequent first
    polarity: Polarity
    notes: tuple[str, ...]  # sentences on columns that were chosen and rows that were left out
    origin: str

    def question(self, hint: str = "", suggestion: str | None = None) -> Question:
        """Return the question which label is fake; `hint` is a sentence on what models say, who suggest a value."""
        values = sorted(self.values, key=lambda value: value != suggestion)
        because = f" ({self.polarity.because})" if self.polarity.because else ""
        return Question(
            f"Which label of {self.origin} is fake, {' or '.join(values[:5])}{because}? {hint}{' ' if hint else ''}"
            f"Say it with --fake {' or --fake '.join(values[:2])}.",
            "fake",
            values,
        )

    def labeled(self, polarity: Polarity) -> LabeledTable:
        """Return the table with its labels read so."""
        from fakenews.data.table import labeled

        return labeled(self.frame.assign(label=self.frame["label"].map(polarity.meaning)), self.origin)


def read_incoming(path: Path, chosen: Choices) -> Incoming:
    """Read a table, or a folder with ISOT's two files.

    Raise `Question` if it does not say which column is what; `FileNotFoundError` or `ValueError` if it cannot be read,
    or an option names what is not there.
    """
    from fakenews.data.isot import load_isot_csv
    from fakenews.data.table import raw_table

    if path.is_dir():
        frame = load_isot_csv(path)
        frame = frame.assign(label=[LABELS[label] for label in frame["label"]])
        return _incoming(frame, Choices(), path.name, "ISOT's two files")
    liar = _liar(path, chosen.encoding)
    if liar is not None:
        return _incoming(liar, chosen, path.name, "LIAR, which has no header")
    return _incoming(raw_table(path, chosen.encoding), chosen, path.name)


def merged(tables: Sequence[Incoming]) -> Incoming:
    """Return several tables of one layout as one."""
    import pandas as pd

    values = sum((Counter(table.values) for table in tables), Counter())
    by_meaning = {v: m for table in tables for v, m in table.polarity.meaning.items()}
    first = tables[0]
    polarity = replace(first.polarity, meaning=by_meaning if set(by_meaning) == set(values) else {})
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    return Incoming(frame, dict(values.most_common()), polarity, notes, first.origin)


def _incoming(frame: pd.DataFrame, chosen: Choices, origin: str, layout: str = "") -> Incoming:
    from fakenews.data.table import is_missing, whole_number
    from fakenews.schema import TABLE_COLUMNS

    had = [str(column) for column in frame.columns]
    frame = frame.set_axis(had, axis=1)
    notes = [f"Recognized as {layout}."] if layout else []
    columns = {"text": _column(had, "text", chosen.text, origin), "title": _column(had, "title", chosen.title, origin)}
    lower = {column.strip().lower(): column for column in had}
    by_subject = _by_subject(frame, lower)
    if by_subject is not None and not chosen.label and "label" not in lower:
        columns["label"] = "label"
        frame = frame.assign(label=by_subject)
    else:
        columns["label"] = _column(had, "label", chosen.label, origin)
    renamed = [(what, column) for what, column in columns.items() if column not in ("", what)]
    notes += [f"The {what} is read from the column {column}." for what, column in renamed]
    # Ids are those of texts, by which articles are known in every corpus; splits are made anew, without leaks.
    others = set(TABLE_COLUMNS) - {*columns, "id", "split"}
    kept = {name: column for name, column in lower.items() if name in others and column not in columns.values()}
    table = frame[[column for column in (*columns.values(), *kept.values()) if column]]
    table = table.set_axis([*(what for what, column in columns.items() if column), *kept], axis=1)
    spelled = ["" if is_missing(v) else whole_number(str(v).strip()) for v in table["label"].tolist()]
    has_label = [value.lower() not in MISSING for value in spelled]
    counts = Counter(value for value, there in zip(spelled, has_label, strict=True) if there)
    polarity = _polarity(counts, columns["label"], lower, by_subject, spelled, chosen.fake, origin)
    known = set(polarity.meaning) or _frequent(counts, chosen.fake)
    keep = [value in known for value in spelled]
    n_missing, n_other = has_label.count(False), keep.count(False) - has_label.count(False)
    if n_missing:
        notes.append(f"{n_missing:,} of {len(table):,} rows have no label and are left out.")
    if n_other:
        strangers = listed_names(value for value in counts if value not in known)
        notes.append(f"{n_other:,} rows with another label ({strangers}) are left out.")
    if not any(keep):
        raise ValueError(f"{origin}: no row has a label in the column {columns['label']}.")
    table = table.assign(label=spelled)[keep]
    return Incoming(table, {v: n for v, n in counts.most_common() if v in known}, polarity, tuple(notes), origin)


def _column(had: Sequence[str], what: str, wanted: str, origin: str) -> str:
    """Return the column that was named, or that is called as such columns are; "" for a title that is not there."""
    if wanted:
        if wanted in had:
            return wanted
        found = find_column(had, wanted.strip().lower(), origin)
        if not found:
            raise ValueError(f"{origin} has no column {wanted!r}: it has {listed_names(had)}.")
        return found
    if found := find_column(had, what, origin):
        return found
    alike = [column for name in COLUMN_NAMES[what] if (column := find_column(had, name, origin))]
    if len(alike) == 1 or what == "title":
        return alike[0] if alike else ""
    names = alike or [column for column in had if column.strip()]
    raise Question(
        f"Which column of {origin} holds the {what}: {listed_names(names)}? Say it with --{what} NAME.", what, names
    )


def _frequent(counts: Counter[str], fakes: Collection[str]) -> set[str]:
    """Return the values that are labels: all but rare ones beside two frequent ones."""
    if len(counts) <= 2:
        return set(counts)
    common = {value for value, n in counts.items() if n > RARE * sum(counts.values())}
    return (common if len(common) > 1 else set(counts)) | (set(fakes) & set(counts))


def _polarity(
    counts: Counter[str],
    column: str,
    columns: Mapping[str, str],
    by_subject: list[str] | None,
    spelled: Sequence[str],
    fakes: Sequence[str],
    origin: str,
) -> Polarity:
    """Return what the values mean, by what the user said, their names, the column's name or a known layout."""
    labels = _frequent(counts, fakes)
    if fakes:
        return _by_user(labels, fakes, origin)
    if not labels:
        return Polarity()
    name = column.strip().lower()
    yes_no = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}
    if name in ("is_fake", "fake", "is_real", "real") and {v.lower() for v in labels} <= set(yes_no):
        says_fake = name.endswith("fake")
        meaning = {v: LABELS[FAKE if yes_no[v.lower()] == says_fake else 1 - FAKE] for v in labels}
        return Polarity(meaning, f"the column is called {column}")
    plain = {value: value.lower().replace("_", "-") for value in counts}
    meaning = {v: "fake" if p in FAKE_VALUES else "real" for v, p in plain.items() if p in FAKE_VALUES | REAL_VALUES}
    if labels <= set(meaning):
        return Polarity(meaning, "the values say so")
    if by_subject is not None and "label" in columns:
        return _agreeing(labels, by_subject, spelled)
    if not labels <= _BITS:
        return Polarity({}, "its values do not say it")
    if set(columns) == {"id", "title", "author", "text", "label"}:
        return Polarity(_bits("1", labels), "Kaggle's train.csv has these columns, and 1 for unreliable")
    if set(columns) >= _OURS:
        return Polarity(_bits("0", labels), "fakenews writes these columns, and 0 for fake")
    if set(columns) - {"", "unnamed: 0"} == {"title", "text", "label"} and len(columns) == 4:
        return Polarity({}, "it looks like WELFake, whose copies write 1 for fake or for real")
    return Polarity({}, "0 and 1 do not say it")


def _by_user(labels: set[str], fakes: Sequence[str], origin: str) -> Polarity:
    from fakenews.data.table import whole_number

    wanted = {whole_number(value.strip()).lower() for value in fakes}
    missing = wanted - {value.lower() for value in labels}
    bits = labels <= _BITS and wanted <= _BITS  # of a table of one class
    if (missing and not bits) or wanted >= {value.lower() for value in labels} and len(labels) > 1:
        listed = listed_names(sorted(labels))
        raise ValueError(f"{origin}: --fake {' --fake '.join(fakes)} does not part its labels, which are {listed}.")
    meaning = {value: "fake" if value.lower() in wanted else "real" for value in sorted(labels)}
    return Polarity(meaning, "you said so", is_users=True)


def _bits(fake: str, labels: Collection[str]) -> dict[str, str]:
    return {value: "fake" if value == fake else "real" for value in sorted(labels)}


def _by_subject(frame: pd.DataFrame, columns: Mapping[str, str]) -> list[str] | None:
    """Return the class of each row by ISOT's subjects; None where one is no subject of ISOT."""
    from fakenews.data.isot import SUBJECTS

    if "subject" not in columns or not {"title", "text", "date"} <= set(columns):
        return None
    subjects = [str(value).strip() for value in frame[columns["subject"]].tolist()]
    return [LABELS[SUBJECTS[s]] for s in subjects] if set(subjects) <= set(SUBJECTS) else None


def _agreeing(labels: set[str], by_subject: Sequence[str], spelled: Sequence[str]) -> Polarity:
    """Return what labels mean by the subjects of ISOT that their rows have."""
    pairs = Counter((v, s) for v, s in zip(spelled, by_subject, strict=True) if v in labels)
    meaning = {v: max(LABELS, key=lambda name: pairs[v, name]) for v in labels}
    mixed = sum(n for (v, s), n in pairs.items() if meaning[v] != s)
    if mixed > RARE * sum(pairs.values()) or len(set(meaning.values())) < len(labels):
        return Polarity({}, "its subjects are ISOT's and its labels are not")
    return Polarity(meaning, "so are ISOT's subjects")


def _liar(path: Path, encoding: str) -> pd.DataFrame | None:
    """Return a file of LIAR, which has no header, and quotes that open no cell; None of any other."""
    import pandas as pd

    from fakenews.data.formats import format_of
    from fakenews.data.lines import Lines

    if format_of(path, encoding) != "csv":
        return None
    rows: list[list[str]] = []
    with Lines(path, encoding=encoding) as lines:
        for line in lines:
            cells = line.rstrip("\r\n").split("\t")
            if not rows and not _is_liar(cells):
                return None
            if any(cells):
                if len(cells) < 3:
                    raise ValueError(f"{path.name}, line {lines.number}: {len(cells)} cells, LIAR has 14.")
                rows.append((cells + [""] * len(LIAR))[: len(LIAR)])
    return pd.DataFrame(rows, columns=list(LIAR), dtype="str")[["id", "label", "text", "subject"]] if rows else None


def _is_liar(cells: Sequence[str]) -> bool:
    return len(cells) >= 13 and bool(_LIAR_ID.fullmatch(cells[0].strip())) and cells[1].strip().lower() in _LIAR_LABELS
