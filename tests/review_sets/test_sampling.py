"""Which articles go into a review set: balance, seeds, doubles, too few; found again by their ids."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fakenews.config import Settings
from fakenews.data import own, registry
from fakenews.data.registry import DATASETS, load
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.review_sets.preparing import CorpusTexts, Preparer
from fakenews.review_sets.sampling import choose, new_items
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import MAX_ARTICLES, digest_of
from fakenews.schema import FAKE, REAL
from fakenews.share.store import ShareStore

WORDS = "The council met on Tuesday to talk about the bridge, and asked who would pay for it. " * 4


def articles(*cells: tuple[int, int, int]) -> pd.DataFrame:
    """Return so many articles of each pair of label and prediction."""
    rows = [(y, 0.9 if predicted == FAKE else 0.2) for n, y, predicted in cells for _ in range(n)]
    return pd.DataFrame(
        {"id": f"a{i}", "title": f"Report {i}", "text": WORDS, "label": y, "p_fake": p} for i, (y, p) in enumerate(rows)
    )


MANY = articles((90, FAKE, FAKE), (40, FAKE, REAL), (30, REAL, FAKE), (80, REAL, REAL))


def cells(frame: pd.DataFrame) -> list[int]:
    predicted = (frame["p_fake"] < 0.5).astype(int)
    return [int(((frame["label"] == y) & (predicted == p)).sum()) for y in (FAKE, REAL) for p in (FAKE, REAL)]


def test_classes_and_cells_are_balanced() -> None:
    assert choose(MANY, "labels", 60, 1).frame["label"].value_counts().to_dict() == {FAKE: 30, REAL: 30}
    assert cells(choose(MANY, "cells", 60, 1).frame) == [15, 15, 15, 15]
    assert cells(choose(MANY, "cells", 62, 1).frame) == [16, 16, 15, 15], "what is left over goes to the first ones"
    assert cells(choose(MANY, "errors", 200).frame) == [0, 40, 30, 0]


@pytest.mark.parametrize("by", ["errors", "random", "labels", "cells"])
def test_a_seed_gives_the_same_articles_again_and_another_one_others(by: str) -> None:
    first, again, other = (choose(MANY, by, 40, seed).frame["id"].tolist() for seed in (7, 7, 8))
    assert first == again != other
    assert len(first) == len({*first}) == 40
    assert first == [id_ for id_ in MANY["id"] if id_ in first], "in the order of the table"


def test_a_text_that_comes_twice_is_one_article() -> None:
    twice = pd.concat([MANY, MANY.assign(id="again-" + MANY["id"], text=WORDS.rstrip(" ") + " ")], ignore_index=True)
    assert len(choose(twice, "random", 200).frame) == 200
    few = articles((3, FAKE, REAL))
    twice = pd.concat([few, few.assign(id="again-" + few["id"])], ignore_index=True)
    found = choose(twice, "errors", 5)
    assert found.frame["id"].tolist() == ["a0", "a1", "a2"] and "Only 3 articles are misclassified" in found.sentence
    picked = choose(twice, "selected", ids=["a1", "again-a1"])
    assert picked.frame["id"].tolist() == ["a1"] and "1 of the 2 articles picked" in picked.sentence


def test_fewer_than_asked_for_are_all_taken_in_a_sentence() -> None:
    few = articles((5, FAKE, FAKE), (4, FAKE, REAL), (3, REAL, FAKE), (50, REAL, REAL))
    assert choose(few, "errors", 40).sentence == "Only 7 articles are misclassified; all of them are taken."
    assert choose(few, "random", 200).sentence == "Only 62 articles are there; all of them are taken."
    assert choose(articles((1, FAKE, REAL)), "errors", 9).sentence == "Only 1 article is misclassified; it is taken."
    balanced = choose(few, "labels", 40)
    assert balanced.frame["label"].value_counts().to_dict() == {REAL: 20, FAKE: 9}
    assert balanced.sentence == "Too few for equal parts: 9 fake. The set has 29 of 40 articles asked for."
    found = choose(few, "cells", 16)
    assert cells(found.frame) == [4, 4, 3, 4]
    assert found.sentence.startswith("Too few for equal parts: 3 real taken for fake. The set has 15 of 16")
    assert (
        choose(few, "errors").sentence == choose(few, "errors", 7).sentence == choose(few, "cells", 12).sentence == ""
    )


def test_of_more_than_a_set_holds_some_are_drawn() -> None:
    found = choose(articles((150, FAKE, REAL), (90, REAL, FAKE)), "errors", seed=3)
    assert len(found.frame) == MAX_ARTICLES
    assert found.sentence == "240 articles are misclassified; 200 of them were drawn at random, with the seed 3."


@pytest.mark.parametrize(
    ("frame", "by", "n", "seed", "message"),
    [
        (MANY, "luck", 5, 1, "got 'luck'"),
        (MANY, "random", 0, 1, "from 1 to 200"),
        (MANY, "random", MAX_ARTICLES + 1, 1, "from 1 to 200"),
        (MANY, "random", 5, None, "Give a seed"),
        (MANY, "random", 5, -1, "Give a seed"),
        (MANY, "selected", 5, 1, "Pick articles"),
        (MANY.drop(columns="label"), "labels", 5, 1, "no labels"),
        (MANY.drop(columns="p_fake"), "errors", 5, 1, "Name a model"),
        (articles((3, FAKE, FAKE)), "errors", 5, 1, "No article is misclassified"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(
    frame: pd.DataFrame, by: str, n: int | None, seed: int | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        choose(frame, by, n, seed)


def test_a_prediction_of_another_threshold_counts() -> None:
    rows = articles((2, FAKE, FAKE), (2, REAL, REAL)).assign(predicted=FAKE)
    assert choose(rows, "errors", 9).frame["label"].tolist() == [REAL, REAL]


def test_what_cannot_be_analyzed_is_left_out_and_counted(share_engine: Engine) -> None:
    rows = articles((4, FAKE, FAKE))
    rows.loc[0, ["title", "text"]] = "", "… ?"
    rows.loc[1, "text"] = "words " * share_engine.settings.max_chars
    items, sentence = new_items(share_engine, rows)
    assert [item.text for item in items] == [f"Report {i}\n\n{WORDS}" for i in (2, 3)]
    assert {(item.label, item.corpus, item.article, item.keep_text) for item in items} == {("fake", "", "", True)}
    assert sentence.startswith("2 articles are left out, which have no words or more than")
    assert {item.label for item in new_items(share_engine, rows.drop(columns="label"))[0]} == {None}
    with pytest.raises(InputError, match="None of them can be analyzed"):
        new_items(share_engine, rows.iloc[:2])


@pytest.fixture
def mine(share_engine: Engine, tmp_path: Path) -> Engine:
    """Give an engine with a corpus of its user's, whose texts are as browsers and spreadsheets leave them."""
    texts = [f"One line.\r\n{WORDS}\rLast line. \n", f"  {WORDS}\t \n\n", WORDS, f"Caf\u00e9 \U0001f41f {WORDS}"]
    titles = ["With CRLF ", "", "  ", "Two\r\nlines"]
    frame = pd.DataFrame({"title": titles, "text": texts, "label": [0, 1, 0, 1]})
    frame = frame.assign(id=[f"n{i}" for i in range(4)], date="", subject="")
    frame.to_parquet(tmp_path / "mine.parquet")
    values = {"name": "mine", "origin": "a file", "date": "2026-11-29", "labels": {"0": "fake"}, "because": "so"}
    counts = {"rows": 4, "fake": 2, "real": 2, "splits": {}, "unit": "article", "sha256": ""}
    own.write(own.OwnCorpus.from_dict({**values, **counts}), tmp_path)
    return Engine.open(Settings(models=share_engine.settings.models, data=tmp_path, device="cpu"))


def test_a_text_kept_by_its_id_alone_is_found_again_character_by_character(mine: Engine, tmp_path: Path) -> None:
    frame = mine.evidence.corpus("mine")
    items, sentence = new_items(mine, frame, "mine", keep_text=False)
    assert len(items) == 4 and sentence == "" and "\r" not in "".join(item.text for item in items)
    find = CorpusTexts(mine)
    assert [digest_of(find("mine", item.article) or "") for item in items] == [item.digest for item in items]
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    sets = SetStore(store, CorpusTexts(mine))
    link = sets.create(items, title="Mine")
    preparer = Preparer(mine, sets)
    while preparer.step():
        pass
    results = sets.results(link.owner, link.id)
    assert [item.problem for item in results.items] == [""] * 4 and all(item.models for item in results.items)
    shown = [sets.snapshot(link.owner, link.id, i) for i in range(4)]
    assert [s.text for s in shown] == [item.text for item in items] == [s.snapshot and s.snapshot.text for s in shown]
    store.close()


def test_ids_alone_are_not_kept_where_they_lead_nowhere(mine: Engine) -> None:
    frame = mine.evidence.corpus("mine")
    with pytest.raises(InputError, match="cannot find the articles of yours.csv again"):
        new_items(mine, frame, "yours.csv", keep_text=False)
    with pytest.raises(InputError, match="cannot find"):
        new_items(mine, frame.assign(id="n0"), "mine", keep_text=False)


def test_the_license_says_whether_texts_are_stored(share_engine: Engine) -> None:
    free = {name for name, spec in DATASETS.items() if spec.may_be_copied}
    assert "demo" in free and not free & {"isot", "horne2017", "webis2016", "constraint", "gossipcop"}
    assert all("unverified" not in DATASETS[name].license for name in free)
    assert registry.may_be_copied("a table of mine")
    rows = load("demo").head(3)
    assert all(item.keep_text for item in new_items(share_engine, rows, "demo")[0])
    with pytest.raises(InputError, match="license of ISOT is not known to allow copies"):
        new_items(share_engine, rows, "isot", keep_text=True)
