"""Protocols: which rows each trains on and answers, and that none leaks what it promises not to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.parts import parts, titles
from fakenews.data.splits import grouped_split
from fakenews.evidence.protocols import PROTOCOLS, SHIPPED, get, of_corpus

N = 400
GROUPS = np.arange(N) // 2  # every article has a twin


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(2, size=N // 2), 2)
    days = pd.Timestamp("2016-01-01") + pd.to_timedelta(np.repeat(rng.integers(0, 730, N // 2), 2), unit="D")
    return pd.DataFrame(
        {
            "id": [f"{i:04x}" for i in range(N)],
            "title": [f"Title {i}" if i % 5 else " " for i in range(N)],
            "text": [f"Text {i}." for i in range(N)],
            "label": labels,
            "date": days.strftime("%Y-%m-%d"),
            "split": grouped_split(labels.tolist(), GROUPS),
            "group": GROUPS,
        }
    )


def groups_of(rows: pd.DataFrame) -> set[int]:
    return set(rows["group"])


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, p in PROTOCOLS.items() if p.rows not in ("others", "left-out")])
def test_parts_share_no_row_and_the_same_seed_draws_the_same(name, frame):
    found, again, other = (parts(get(name), frame, seed) for seed in (42, 42, 7))
    ids = [id_ for rows in found.values() for id_ in rows["id"]]
    assert len(ids) == len(set(ids))
    assert all(found[part].equals(again[part]) for part in found)
    assert list(found) == ["train", "validation", "test"]
    if name in ("seed", "time"):
        assert not found["validation"].equals(other["validation"])


@pytest.mark.parametrize("name", ["grouped", "title-only", "time"])
def test_near_duplicates_never_straddle_a_split(name, frame):
    found = parts(get(name), frame)
    assert not groups_of(found["train"]) & groups_of(found["test"])
    assert not groups_of(found["train"]) & groups_of(found["validation"])


def test_the_notebooks_protocol_lets_near_duplicates_fall_where_they_will(frame):
    found = parts(get("seed"), frame)
    assert groups_of(found["train"]) & groups_of(found["test"])
    assert get("seed").cleaning == "raw"
    assert len(found["train"]) == pytest.approx(0.7 * N, abs=5)


def test_time_trains_before_2017_and_answers_after(frame):
    found = parts(get("time"), frame)
    assert max(found["train"]["date"]) < "2017-01-01" <= min(found["test"]["date"])
    assert max(found["validation"]["date"]) < "2017-01-01"


def test_titles_stand_alone(frame):
    found = parts(get("title-only"), frame)
    assert sum(map(len, found.values())) == N - N // 5  # rows without a title go
    for rows in found.values():
        assert rows["title"].str.startswith("Title ").all() and (rows["text"] == "").all()
    assert set(titles(frame)["label"]) == {0, 1}


@pytest.mark.parametrize(
    ("corpus", "split", "both", "name"),
    [
        ("isot", "test", True, "grouped"),
        ("isot", "validation", True, "grouped"),
        ("horne2017", "all", True, "external"),
        ("golbeck_fake_satire", "all", False, "other"),
        ("demo", "all", True, "other"),
    ],
)
def test_answers_of_the_shipped_model_know_where_they_belong(corpus, split, both, name):
    assert of_corpus(corpus, split, both) == name
    assert name in SHIPPED


def test_what_shipped_weights_answer_needs_no_training_of_its_own():
    assert all(not get(name).own_training for name in SHIPPED)
    assert {p.name for p in PROTOCOLS.values() if p.own_training} == {
        "left-out",
        "one-corpus",
        "seed",
        "time",
        "title-only",
    }


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("external", {}, "answers whole ones"),
        ("left-out", {}, "answers whole ones"),
        ("time", {"date": "2018-05-01"}, "leaves no rows for train"),
        ("grouped", {"split": "train"}, "leaves no rows for validation, test"),
    ],
)
def test_what_cannot_be_parted_is_refused(name, change, message, frame):
    with pytest.raises(ValueError, match=message):
        parts(get(name), frame.assign(**change))


def test_a_missing_column_and_an_unknown_name_are_refused(frame):
    with pytest.raises(ValueError, match="needs the column group"):
        parts(get("time"), frame.drop(columns="group"))
    with pytest.raises(ValueError, match="Unknown protocol 'timed'. Known: grouped, left-out, external"):
        get("timed")
