import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fakenews.data.delimited import MAX_COLUMNS, check_names
from fakenews.data.table import article_id, articles, as_table, joined_texts, labeled, read_table, write_table
from fakenews.schema import TABLE_COLUMNS, Article

ROWS = {"text": ["A pier has opened.", "The moon is a hat."], "label": [1, 0]}


def test_missing_columns_are_filled_and_ids_computed() -> None:
    table = as_table(pd.DataFrame(ROWS))
    assert list(table.columns) == list(TABLE_COLUMNS)
    assert table["label"].dtype == np.int8
    assert table["label"].tolist() == [1, 0]
    assert table["id"].tolist() == [article_id(text) for text in ROWS["text"]]
    assert (table[["title", "subject", "date", "split", "source_repo"]] == "").all(axis=None)


def test_id_is_the_head_of_the_sha1() -> None:
    assert article_id("abc") == "a9993e364706816a"


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0],
        [1.0, 0.0],
        ["1", "0"],
        ["1.0", " 0.0"],
        ["real", "fake"],
        [" Real", "FAKE "],
        ["TRUE", "false"],
        [True, False],
        [np.int8(1), np.int64(0)],
    ],
)
def test_labels_are_numbers_or_names(labels: list[object]) -> None:
    assert as_table(pd.DataFrame({**ROWS, "label": labels}))["label"].tolist() == [1, 0]


@pytest.mark.parametrize("wrong", ["pants-fire", 2, -1, 0.5, None, float("nan"), "0.5", "inf", ""])
def test_other_labels_are_refused_by_value(wrong: object) -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Series([0, wrong], dtype=object)})
    with pytest.raises(ValueError, match=r"label must be 0, fake or false, or 1, real or true; got .+ in row 2"):
        as_table(frame)


def test_a_missing_column_is_named_with_what_came() -> None:
    with pytest.raises(ValueError, match="mine lacks the column text: it has body, label; needed are text and label."):
        as_table(pd.DataFrame({"body": ["a"], "label": [0]}), "mine")


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no rows"):
        as_table(pd.DataFrame({"text": [], "label": []}))


def test_a_column_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="column text more than once"):
        as_table(pd.DataFrame([["a", "b", 0]], columns=["text", "text", "label"]))


def test_columns_are_found_in_any_case() -> None:
    table = as_table(pd.DataFrame({" Title": ["Pier"], "TEXT ": ["A pier has opened."], "Label": [1], "Mine": ["x"]}))
    assert joined_texts(table) == ["Pier\n\nA pier has opened."]
    assert list(table.columns) == [*TABLE_COLUMNS, "Mine"]
    both = as_table(pd.DataFrame({**ROWS, "id": ["1", "2"], "ID": ["7", "8"]}))
    assert both["id"].tolist() == ["1", "2"] and both["ID"].tolist() == ["7", "8"]


@pytest.mark.parametrize("columns", [("Text", "text", "label"), ("text", "Label", "label"), ("TEXT", "Text ", "label")])
def test_two_columns_of_the_same_name_but_for_its_case_are_a_question(columns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"has the columns .+ and .+: which one holds the (text|label)\?"):
        as_table(pd.DataFrame([["a", "b", 0]], columns=list(columns)))


def test_text_must_be_text() -> None:
    with pytest.raises(ValueError, match="text must be text, got 7 in row 1"):
        as_table(pd.DataFrame({"text": [7], "label": [0]}))


def test_missing_values_and_dates_become_strings() -> None:
    frame = pd.DataFrame({**ROWS, "title": [None, "Hat"], "date": pd.to_datetime(["2016-05-01", None])})
    table = as_table(frame)
    assert table["title"].tolist() == ["", "Hat"]
    assert table["date"].tolist() == ["2016-05-01", ""]


def test_given_ids_and_further_columns_stay() -> None:
    table = as_table(pd.DataFrame({**ROWS, "id": ["mine", ""], "language": ["en", "pt"]}))
    assert table["id"].tolist() == ["mine", article_id(ROWS["text"][1])]
    assert table["language"].tolist() == ["en", "pt"]


def test_an_id_that_stands_for_several_articles_names_none() -> None:
    rows = {"text": ["one", "two", "one", "three"], "title": ["", "", "other", "t"], "id": ["7", "7", "", "8"]}
    table = as_table(pd.DataFrame({**rows, "label": 0}))
    assert table["id"].tolist() == [article_id("one"), article_id("two"), article_id("one"), "8"]
    again = as_table(pd.DataFrame({"text": ["one", "one"], "title": ["", "other"], "label": 0}))
    assert again["id"].tolist() == [article_id("one"), article_id("other\n\none")]


def test_rows_without_text_are_left_out_and_counted() -> None:
    frame = pd.DataFrame({"text": ["a", None, " ", "b"], "title": ["", "T", "", ""], "label": [0, None, "?", 1]})
    read = labeled(frame, "t.csv")
    assert read.frame["text"].tolist() == ["a", "b"]
    assert (read.n_rows, read.n_without_text, read.n_title_only) == (4, 2, 1)
    assert read.notes()[1] == "2 of 4 rows have no text and are left out (1 with a title alone)."
    with pytest.raises(ValueError, match=r"no row has a text in the column text \(rows: 1, with a title alone: 1\)"):
        labeled(frame[1:2], "t.csv")


def test_the_label_that_means_fake_can_be_named() -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": ["Reliable", "unreliable", "Reliable"]})
    read = labeled(frame, "t.csv", "Unreliable")
    assert read.frame["label"].tolist() == [1, 0, 1]
    assert read.notes() == ["Label unreliable is read as fake and Reliable is read as real."]
    assert labeled(frame.assign(label=[1.0, 0.0, 1.0]), "t.csv", "1").frame["label"].tolist() == [0, 1, 0]
    assert labeled(frame.assign(label=0), "t.csv", "1").frame["label"].tolist() == [1, 1, 1]
    for label, fake in ((["a", "b", "c"], "a"), (["a", "b", "b"], "c"), ("a", "b")):
        with pytest.raises(ValueError, match="cannot stand for fake against one other label"):
            labeled(frame.assign(label=label), "t.csv", fake)


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    table = as_table(
        pd.DataFrame({"title": ["«Ça va»", ""], "text": ["two\nlines, “quoted”", "沿海"], "label": [0, 1]})
    )
    write_table(table, tmp_path / "new" / "a.parquet")
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for path in (tmp_path / "new" / "a.parquet", tmp_path / "a.csv", tmp_path / "a.jsonl"):
        pd.testing.assert_frame_equal(read_table(path), table)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.parquet"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(as_table(pd.DataFrame(ROWS)), path)
    with pytest.raises(Exception, match="mixed"):
        write_table(pd.DataFrame({"mixed": pd.Series([1, "one", object()], dtype=object)}), path)
    assert len(read_table(path)) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_lone_surrogates_do_not_break_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "half \ud83d pair", "label": 0}) + "\n\n")
    assert read_table(tmp_path / "a.jsonl")["text"].tolist() == ["half ? pair"]


def test_words_that_look_like_missing_values_stay_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title,text,label\nNA,null,fake\nNaN,None,real\n")
    assert read_table(tmp_path / "a.csv")["text"].tolist() == ["null", "None"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"", r"Cannot read 'a.xlsx': expected one of .csv, .tsv, .jsonl"),
        ("a.parquet", b"no parquet", "a.parquet cannot be read as parquet"),
        ("a.csv", b"", "a.csv holds no rows beneath a header"),
        ("a.csv", b'text,label\n"open,0\n', "a.csv, line 2: not CSV: the quote .* is never closed"),
        ("a.csv", b"title,text,label\n\nT,a,0\nT,b,1,x\n", "a.csv, line 4: cells: 4, where the header has 3"),
        ("a.csv", b"title,text,label\nT,a,0\nT,b\n", "a.csv, line 3: cells: 2, where the header has 3"),
        ("a.csv", b"text,text,label\na,b,0\n", "a.csv has the column text more than once"),
        ("a.csv", b'text,label\n"two\nlines",0\nb,no\n', "got 'no' in line 4"),
        ("a.jsonl", b'{"text": "a", "label": 0}\n{"text"\n', "a.jsonl, line 2: not JSON"),
        ("a.jsonl", b'{"text": "a", "label": 0}\n\n{"text": "b", "label": 2}\n', "got 2 in line 3"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl cannot be read: not JSON: nested too deep"),
        ("a.jsonl", b'{"n": ' + b"9" * 5000 + b"}", "a.jsonl, line 1: a number of more than 4,300 digits"),
        ("a.jsonl", b"[1]\n", "a.jsonl, row 1: expected a JSON object, got int"),
        ("a.jsonl", b"", "a.jsonl lacks the column text and label: it has none"),
    ],
)
def test_unreadable_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / name)


def wide(folder: Path, n_columns: int) -> list[Path]:
    """One table of so many columns in every format, each line of JSON with two keys that no other has."""
    names = [f"k{i}" for i in range(n_columns - 2)]
    frame = pd.DataFrame([["a", 0, *names], ["b", 1, *names]], columns=["text", "label", *names])
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_parquet(folder / "a.parquet")
    rows = [{"text": "a", "label": 0, one: 1, other: 1} for one, other in zip(names[::2], names[1::2], strict=True)]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return [folder / "a.csv", folder / "a.parquet", folder / "a.jsonl"]


def test_a_thousand_columns_are_read_and_more_are_refused_before_there_is_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in wide(tmp_path, MAX_COLUMNS):
        assert read_table(path).shape[1] == MAX_COLUMNS + len(TABLE_COLUMNS) - 2
    paths = wide(tmp_path, MAX_COLUMNS + 2)
    monkeypatch.setattr(pd, "DataFrame", None)
    monkeypatch.setattr(pd, "read_parquet", None)
    for path in paths:
        with pytest.raises(ValueError, match=f"^{path.name} has more than 1,000 columns: keep those that are needed.$"):
            read_table(path)


def test_names_are_compared_once_each() -> None:
    class Name(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str.__eq__(self, other)

    check_names([Name(i) for i in range(MAX_COLUMNS)], "a.csv")
    assert Name.compared < 10 * MAX_COLUMNS


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no file .*gone.csv"):
        read_table(tmp_path / "gone.csv")


def test_articles_carry_title_text_and_label() -> None:
    table = as_table(pd.DataFrame({**ROWS, "title": ["Pier", ""], "id": ["1", "2"], "subject": "s", "date": "d"}))
    assert articles(table)[0] == Article("Pier", "A pier has opened.", 1, "1", "s", "d")
    assert joined_texts(table) == ["Pier\n\nA pier has opened.", "The moon is a hat."]
