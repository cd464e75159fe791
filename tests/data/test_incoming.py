"""Tables as people have them: their labels are read the right way round, or asked about, and never inverted."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fakenews.data.incoming import Choices, Incoming, Question, read_incoming
from fakenews.schema import FAKE, LABELS

FAKE_TEXT = "A reptile rules the harbor and nobody dares to say so, {}."
REAL_TEXT = "The harbor office published its budget, line {}, on Monday."
N = 12
Write = Callable[[Path], Path]


def articles(fake: object, real: object, **more: list[object]) -> pd.DataFrame:
    """Twelve fictional articles, fake ones first, with the values that stand for the two classes."""
    texts = [FAKE_TEXT.format(i) for i in range(N // 2)] + [REAL_TEXT.format(i) for i in range(N // 2)]
    values = [fake] * (N // 2) + [real] * (N // 2)
    return pd.DataFrame({"title": [f"Story {i}" for i in range(N)], "text": texts, "label": values, **more})


def csv(frame: pd.DataFrame, name: str = "table.csv", **options: object) -> Write:
    def write(folder: Path) -> Path:
        frame.to_csv(folder / name, **{"index": False, **options})  # type: ignore[arg-type]
        return folder / name

    return write


def written(name: str, content: bytes) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def liar(folder: Path) -> Path:
    labels = ("pants-fire", "false", "barely-true", "half-true", "mostly-true", "true")
    rows = []
    for i in range(N):
        text = (FAKE_TEXT if i % 6 < 3 else REAL_TEXT).format(i)
        rows.append("\t".join([f"{i}.json", labels[i % 6], f'Says "{text}', "harbors", *["x"] * 4, *"00000", "a talk"]))
    (folder / "train.tsv").write_text("\n".join(rows), encoding="utf-8")
    return folder / "train.tsv"


def isot(folder: Path) -> Path:
    frame = articles(0, 1).assign(subject="News", date="January 1, 2017").drop(columns="label")
    frame.iloc[: N // 2].to_csv(folder / "fake.csv", index=False)
    frame.iloc[N // 2 :].assign(subject="worldnews").to_csv(folder / "True.csv", index=False)
    return folder


def missing(folder: Path) -> Path:
    frame = articles("FAKE", "REAL")
    frame.loc[[0, 7], "label"] = None
    frame.loc[3, "label"] = "n/a"
    return csv(frame)(folder)


AUTHORS = ["A. Writer"] * N
SUBJECTS = ["politics"] * (N // 2) + ["politicsNews"] * (N // 2)
DATES = ["2017-01-01"] * N
PLAIN = articles("fake", "real").to_csv(index=False)
LONG = articles("fake", "real").assign(text=lambda f: f["text"].map(lambda text: text + " word" * 26_215))

# Name: what writes the table, and the options without which it is a question.
LAYOUTS: dict[str, tuple[Write, Choices | None]] = {
    "Kaggle's train.csv": (csv(articles(1, 0, id=list(range(N)), author=AUTHORS)), None),
    "WELFake, 1 for fake": (csv(articles(1, 0), index=True), Choices(fake=("1",))),
    "WELFake, 1 for real": (csv(articles(0, 1), index=True), Choices(fake=("0",))),
    "fake_or_real_news": (csv(articles("FAKE", "REAL"), index=True), None),
    "LIAR": (liar, None),
    "ISOT's folder": (isot, None),
    "ISOT in one, 1 for fake": (csv(articles(1, 0, subject=SUBJECTS, date=DATES)), None),
    "ISOT in one, no label": (csv(articles(1, 0, subject=SUBJECTS, date=DATES).drop(columns="label")), None),
    "semicolons": (csv(articles("fake", "real"), sep=";"), None),
    "UTF-16": (written("table.csv", PLAIN.encode("utf-16")), None),
    "BOM": (written("table.csv", PLAIN.encode("utf-8-sig")), None),
    "gzip": (written("table.csv.gz", gzip.compress(PLAIN.encode())), None),
    "131,072-character cells": (csv(LONG), None),
    "FALSE and TRUE": (csv(articles("FALSE", "TRUE")), None),
    "Booleans": (lambda f: (articles(False, True).to_parquet(f / "t.parquet"), f / "t.parquet")[1], None),
    "true and false": (csv(articles("false", "true"), "table.tsv", sep="\t"), None),
    "a column called is_fake": (csv(articles("TRUE", "FALSE").rename(columns={"label": "is_fake"})), None),
    "a column called real": (csv(articles("0", "1").rename(columns={"label": "Real"})), None),
    "0 for fake": (csv(articles(0, 1)), Choices(fake=("0",))),
    "0 for real": (csv(articles(1, 0)), Choices(fake=("1",))),
    "0.0 and 1.0": (csv(articles(1.0, 0.0)), Choices(fake=("1",))),
    "letters": (csv(articles("F", "R")), Choices(fake=("F",))),
    "our own": (csv(articles(0, 1, id=["a"] * N, subject=[""] * N, date=DATES, split=["train"] * N)), None),
    "label missing in some rows": (missing, None),
    "JSON lines": (
        lambda f: (articles("fake", "real").to_json(f / "t.jsonl", orient="records", lines=True), f / "t.jsonl")[1],
        None,
    ),
    "other columns": (
        csv(articles("hoax", "reliable").rename(columns={"text": "content", "title": "headline", "label": "class"})),
        None,
    ),
    "named columns": (
        csv(articles("hoax", "reliable").rename(columns={"text": "a", "title": "b", "label": "c"})),
        Choices(text="a", title="b", label="c"),
    ),
}


def check(table: Incoming) -> None:
    """Every row that is kept has the class that its text was written for."""
    read = table.labeled(table.polarity)
    assert len(read.frame) >= N - 3
    for text, label in zip(read.frame["text"], read.frame["label"], strict=True):
        assert ("reptile" in text) == (label == FAKE), text
    assert set(table.polarity.meaning.values()) == set(LABELS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_labels_are_read_the_right_way_round_or_asked_about(name: str, tmp_path: Path) -> None:
    write, needed = LAYOUTS[name]
    path = write(tmp_path)
    if needed is None:
        return check(read_incoming(path, Choices()))
    try:
        table = read_incoming(path, Choices())
    except Question as question:
        assert f"--{question.option}" in str(question)
    else:
        assert not table.polarity.meaning
        question = table.question("", needed.fake[0])
        assert question.option == "fake" and f"--fake {needed.fake[0]} or --fake" in str(question)
    check(read_incoming(path, needed))


def test_what_was_chosen_and_left_out_is_users(tmp_path: Path) -> None:
    table = read_incoming(missing(tmp_path), Choices())
    assert table.notes == (f"3 of {N} rows have no label and are left out.",)
    assert table.polarity.sentence == "Label FAKE is read as fake, REAL is read as real: the values say so."
    table = read_incoming(LAYOUTS["other columns"][0](tmp_path), Choices())
    assert "The text is read from the column content." in table.notes
    table = read_incoming(liar(tmp_path), Choices())
    assert table.notes == ("Recognized as LIAR, which has no header.",)
    assert table.frame["text"].str.startswith('Says "').all()


def test_rows_out_of_step_are_left_out_and_many_values_are_asked_about(tmp_path: Path) -> None:
    many = pd.concat([articles("fake", "real")] * 20, ignore_index=True)
    many.loc[5, "label"] = "the end of a text"
    table = read_incoming(csv(many)(tmp_path), Choices())
    assert "1 rows with another label (the end of a text) are left out." in table.notes
    three = articles("hoax", "news").assign(label=["a", "b", "c"] * 4)
    assert not read_incoming(csv(three)(tmp_path), Choices()).polarity.meaning
    told = read_incoming(csv(three)(tmp_path), Choices(fake=("a", "c"))).polarity
    assert told.meaning == {"a": "fake", "b": "real", "c": "fake"} and told.is_users


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Choices(text="body"), "no column 'body': it has title, text, label"),
        (Choices(fake=("2",)), "does not part its labels, which are 0, 1"),
        (Choices(fake=("0", "1")), "does not part its labels"),
    ],
)
def test_options_that_will_not_do_are_refused(chosen: Choices, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read_incoming(csv(articles(0, 1))(tmp_path), chosen)


def test_columns_that_are_not_found_are_asked_about(tmp_path: Path) -> None:
    frame = articles("fake", "real").rename(columns={"text": "a", "label": "b"})
    with pytest.raises(
        Question, match=r"Which column of table.csv holds the text: title, a, b\? Say it with --text"
    ) as it:
        read_incoming(csv(frame)(tmp_path), Choices())
    assert (it.value.option, it.value.choices) == ("text", ("title", "a", "b"))
    two = articles("fake", "real").rename(columns={"text": "body"}).assign(content="x")
    with pytest.raises(Question, match="holds the text: content, body"):
        read_incoming(csv(two)(tmp_path), Choices())
