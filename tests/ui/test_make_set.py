"""Making review sets on the page: what is offered, what is stored, how far it is, what is deleted."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from fakenews.config import Settings
from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.review_sets.preparing import CorpusTexts, Preparer
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import MAX_ARTICLES
from fakenews.share.links import read_query
from fakenews.share.store import ShareStore
from fakenews.ui import make_set
from fakenews.ui.add_to_set import FIRST, AddToSet
from fakenews.ui.batch import Batch
from fakenews.ui.make_set import SORRY, Form, Maker, OfCorpus, OfTable, Source, new_title
from fakenews.ui.measured import Measured, View
from fakenews.ui.reviews import Reviews
from fakenews.ui.shown import Shown
from tests.explain.toys import FAKE_WORD

BASE = "http://here"
REQUEST: Any = SimpleNamespace(request=SimpleNamespace(base_url=BASE))
DEMO = load("demo")
TEXT = f"The {FAKE_WORD} came to town again on Tuesday. " * 8
VIEW = View("demo", "all", "tfidf")


@pytest.fixture
def preparer(share_engine: Engine, tmp_path: Path) -> Iterator[Preparer]:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    yield Preparer(share_engine, SetStore(store, CorpusTexts(share_engine)))
    store.close()


@pytest.fixture
def maker(share_engine: Engine, preparer: Preparer) -> Maker:
    return Maker(share_engine, preparer, "fn-x")


@pytest.fixture(scope="module")
def measured() -> Measured:
    return Measured(Engine.open(Settings()))


def demo(n: int) -> Source:
    return Source(DEMO.head(n), "demo")


def id_in(links: str) -> str:
    """Return the id of the set in what was drawn."""
    return read_query(re.findall(r'value="http://here/\?([^"]+)"', links)[0]).set


def test_a_set_is_made_with_both_links_and_its_progress(maker: Maker, preparer: Preparer) -> None:
    form = Form(title="  Ten <b>articles</b> ", instructions="Read first.", blind=False, days=7, by="random", n=4)
    shown = maker.create(lambda: demo(9), form, "", BASE)
    assert set(shown) == {"problem", "links", "owner", "made", "status", "timer"} and shown["problem"] == ""
    links, owner, made = shown["links"], shown["owner"], shown["made"]
    assert "“Ten &lt;b&gt;articles&lt;/b&gt;” has 4 articles" in links
    assert f'id="fn-x-link" readonly value="{BASE}/?s={made.id}"' in links
    assert f'value="{BASE}/?s={made.id}&amp;o={owner}"' in links
    (found, reviewers) = preparer.sets.owned(owner)[0]
    assert (found.title, found.instructions, found.blind, reviewers) == ("Ten <b>articles</b>", "Read first.", False, 0)
    assert (found.expires - found.created) / 86_400_000 == pytest.approx(7, abs=0.01)
    assert "0 of 4 analyses are ready" in shown["status"] and "<progress" in shown["status"]
    assert "You can leave this page" in shown["status"] and shown["timer"].active
    preparer.step()
    assert re.search(r"1 of 4 analyses are ready, about \d+ s left", maker.progress(made)["status"])
    while preparer.step():
        pass
    over = maker.progress(made)
    assert "4 articles ready: reviewers can begin." in over["status"] and not over["timer"].active
    assert "<progress" not in over["status"], "there is nothing to cancel any more"
    labels = {item.article: item.label for item in preparer.sets.results(owner, made.id).items}
    assert labels == {i: ("fake", "real")[y] for i, y in zip(DEMO["id"], DEMO["label"], strict=True) if i in labels}


def test_a_second_set_goes_under_the_same_key_and_the_preparer_is_woken(
    maker: Maker, preparer: Preparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(Preparer, "wake", lambda _: woken.append(True))
    first = maker.create(lambda: demo(3), Form("One"), "", BASE)
    second = maker.create(lambda: demo(3), Form("Two"), first["owner"], BASE)
    assert second["owner"] == first["owner"] and len(woken) == 2
    assert [s.title for s, _ in preparer.sets.owned(first["owner"])] == ["Two", "One"]


def test_cancel_deletes_the_set(maker: Maker, preparer: Preparer) -> None:
    shown = maker.create(lambda: demo(3), Form("Mine"), "", BASE)
    made, owner = shown["made"], shown["owner"]
    wrong = maker.cancel(made, "another key")
    assert "fn-problem" in wrong["problem"] and len(preparer.sets.owned(owner)) == 1
    over = maker.cancel(made, owner)
    assert "“Mine” is deleted" in over["status"] and over["links"] == ""
    assert not over["timer"].active and preparer.sets.owned(owner) == ()
    for late in (made, over["made"]):  # looks that were under way when it was cancelled
        found = maker.progress(late)
        assert "is deleted" in found["status"] and not found["timer"].active
    assert not preparer.step()
    assert maker.progress(None)["status"] == maker.cancel(None, owner)["status"] == ""


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (Form(title=" "), "Give the set a title"),
        (Form(title="x", n=None), "from 1 to 200"),
        (Form(title="x", n=201), "from 1 to 200"),
        (Form(title="x", seed=None), "Give a seed"),
        (Form(title="x", by="selected"), "Pick articles"),
        (Form(title="x", by="errors"), "Name a model"),
        (Form(title="x" * 121), "121 characters"),
        (Form(title="x", instructions="y" * 4001), "4,001 characters"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_nothing_is_lost(
    maker: Maker, preparer: Preparer, form: Form, message: str
) -> None:
    shown = maker.create(lambda: demo(9), form, "", BASE)
    assert set(shown) == {"problem"} and message in shown["problem"] and 'role="alert"' in shown["problem"]


def test_a_fault_of_ours_is_a_sentence_too_and_quotes_nothing(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    def read() -> Source:
        raise RuntimeError("the secret article")

    assert SORRY in maker.create(read, Form("x"), "", BASE)["problem"]
    assert "secret" not in caplog.text and "RuntimeError" in caplog.text


def test_a_storage_that_does_not_answer_is_a_sentence(share_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = ShareStore(f"sqlite:///{tmp_path / 'file' / 's.db'}")
    maker = Maker(share_engine, Preparer(share_engine, SetStore(store)))
    assert "fn-problem" in maker.create(lambda: demo(3), Form("x"), "", BASE)["problem"]


def test_the_dataset_tab_offers_ticked_articles_first_and_keeps_a_title_that_was_written(measured: Measured) -> None:
    tab = OfCorpus(measured)
    first = tab.offer(VIEW, "", "errors", "", "")
    assert first["title"] == first["offered"] == new_title("Demo articles") and first["note"] == ""
    assert [key for _, key in first["by"]["choices"]] == ["errors", "random", "labels", "cells"]
    assert first["create"]["interactive"] and first["ids_only"] == {
        **first["ids_only"], "value": False, "interactive": True
    }  # fmt: skip
    ticked = tab.offer(VIEW, "a b", "errors", "Mine", first["offered"])
    assert ticked["by"]["choices"][0] == ("2 ticked articles", "selected") and ticked["by"]["value"] == "selected"
    assert ticked["title"] == "Mine"
    assert tab.offer(VIEW, "", "selected", "Mine", "")["by"]["value"] == "errors"
    other = tab.offer(View("isot", "test", "tfidf"), "", "errors", first["title"], first["offered"])
    assert other["title"] == new_title("ISOT")
    assert not re.search("wrong|error|misclassified|fake", first["title"]), "reviewers of a blind set see the title"


def test_without_the_texts_no_set_can_be_made_and_ids_are_all_that_may_be_stored(measured: Measured) -> None:
    tab, view = OfCorpus(measured), View("isot", "test", "tfidf")
    shown = tab.offer(view, "", "errors", "", "")
    assert "A review set cannot be made here." in shown["note"] and not shown["create"]["interactive"]
    assert (shown["ids_only"]["value"], shown["ids_only"]["interactive"]) == (True, False)
    maker = Maker(measured.engine, Preparer(measured.engine, SetStore(ShareStore("sqlite://"))))
    assert "cannot be made here" in maker.create(lambda: tab.read(view, ""), Form("x"), "", BASE)["problem"]


@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_the_misclassified_ones_are_those_at_the_threshold_that_is_looked_at(
    measured: Measured, preparer: Preparer, threshold: float
) -> None:
    view = VIEW._replace(threshold=threshold)
    looked = measured.looked(view)
    wrong = set(looked.scored.frame["id"][(looked.p_fake < threshold) != looked.labels.astype(bool)])
    shown = Maker(measured.engine, preparer).create(
        lambda: OfCorpus(measured).read(view, ""), Form("Wrong", by="errors"), "", BASE
    )
    results = preparer.sets.results(shown["owner"], shown["made"].id)
    assert {item.article for item in results.items} == wrong and 0 < len(wrong) < MAX_ARTICLES


def test_ticked_articles_may_be_kept_by_their_ids_alone(measured: Measured, preparer: Preparer) -> None:
    ids = DEMO["id"].iloc[[3, 11, 40]].tolist()
    source = OfCorpus(measured).read(VIEW, " ".join(ids))
    shown = Maker(measured.engine, preparer).create(
        lambda: source, Form("Three", by="selected", ids_only=True), "", BASE
    )
    results = preparer.sets.results(shown["owner"], shown["made"].id)
    assert [item.article for item in results.items] == ids and all(item.heading for item in results.items)
    bare = SetStore(preparer.sets.storage).results(shown["owner"], shown["made"].id)
    assert [item.heading for item in bare.items] == [""] * 3, "the storage holds no word of them"


def scored(engine: Engine, path: Path, suffix: str = ".csv") -> tuple[Batch, str]:
    tab = Batch(engine)
    key = tab.start(str(path), "body", "headline", ["tfidf"], False, suffix, "")["job_id"]
    while tab.status(key, True)["timer"]["active"]:
        time.sleep(0.05)
    return tab, key


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_rows_of_a_scored_table_become_a_set_with_their_labels(
    share_engine: Engine, preparer: Preparer, tmp_path: Path, suffix: str
) -> None:
    bodies = [f"=1+2 {TEXT}", f"'=so {TEXT}", f"- one\r\n- two {TEXT}", f"{TEXT} four ", "…"]
    titles = [f"Row {i}" for i in range(4)] + [""]
    rows = [(title, body, ("fake", "real")[i % 2]) for i, (title, body) in enumerate(zip(titles, bodies, strict=True))]
    with (path := tmp_path / "my table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("headline", "body", "Label"), *rows])
    tab, key = scored(share_engine, path, suffix)
    of_table = OfTable(tab.jobs)
    offer = of_table.offer(key, "all", "", "")
    assert offer["by"]["choices"][0] == ("All 4 rows", "all") and offer["title"] == new_title("my table")
    assert offer["labels"]["visible"] and "fake is read as fake" in offer["labels"]["info"]
    shown = Maker(share_engine, preparer).create(
        lambda: of_table.read(key, True, "all"), Form("Mine", by="all"), "", BASE
    )
    sets, (owner, id_) = preparer.sets, (shown["owner"], shown["made"].id)
    assert [item.label for item in sets.results(owner, id_).items] == ["fake", "real", "fake", "real"]
    texts = [sets.snapshot(owner, id_, i).text for i in range(4)]
    assert texts == [f"{title}\n\n{body}".replace("\r\n", "\n") for title, body, _ in rows[:4]], "as they were uploaded"
    bare = Maker(share_engine, preparer).create(
        lambda: of_table.read(key, False, "all"), Form("Bare", by="all"), owner, BASE
    )
    assert {item.label for item in sets.results(owner, bare["made"].id).items} == {None}
    tab.clear(key)
    assert "Score a table first" in of_table.offer(key, "all", "", "")["note"]


def test_a_table_without_labels_or_with_many_rows_offers_what_it_has(
    share_engine: Engine, preparer: Preparer, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"headline": "", "body": [f"{i} {TEXT}" for i in range(MAX_ARTICLES + 3)]})
    frame.assign(label="maybe").to_csv(path := tmp_path / "t.csv", index=False)
    tab, key = scored(share_engine, path)
    offer = OfTable(tab.jobs).offer(key, "all", "", "")
    assert [name for name, _ in offer["by"]["choices"]] == ["Random sample"] and not offer["labels"]["visible"]
    shown = Maker(share_engine, preparer).create(
        lambda: OfTable(tab.jobs).read(key, False, "random"), Form("x", by="random", n=5), "", BASE
    )
    found = preparer.sets.results(shown["owner"], shown["made"].id).items
    assert len(found) == 5 and {item.label for item in found} == {None}


def analysed(engine: Engine, text: str) -> Shown:
    return Shown(engine.judge.analyse(text), ("tfidf",))


def test_an_analyzed_article_is_added_to_a_new_set_and_another_one_to_that(
    share_engine: Engine, preparer: Preparer
) -> None:
    tab = AddToSet(share_engine, preparer)
    assert FIRST in tab.add(None, "", "x", "", REQUEST)["message"]
    assert "Give the set a title" in tab.add(analysed(share_engine, TEXT), "", " ", "", REQUEST)["message"]
    none = tab.choices("", None)
    assert none["picked"]["choices"] == [("New set…", "")] and none["title"]["visible"]
    first = tab.add(analysed(share_engine, TEXT), "", "Doubtful <i>", "", REQUEST)
    owner, id_ = first["owner"], id_in(first["message"])
    assert "Added: 1 article in “Doubtful &lt;i&gt;”" in first["message"]
    assert first["picked"]["value"] == id_ and not first["title"]["visible"], "the next one goes there too"
    second = tab.add(analysed(share_engine, f"Another. {TEXT}"), id_, "", owner, REQUEST)
    assert "Added: 2 articles in" in second["message"] and f"?s={id_}&amp;o={owner}" in second["message"]
    again = tab.add(analysed(share_engine, TEXT), id_, "", owner, REQUEST)
    assert "fn-problem" in again["message"] and preparer.sets.get(id_).n_articles == 2
    preparer.sets.close(owner, id_)
    assert [key for _, key in tab.choices(owner, id_)["picked"]["choices"]] == [""], "a closed set takes none"
    preparer.sets.delete(owner, id_)
    assert "fn-problem" in tab.add(analysed(share_engine, TEXT), id_, "", owner, REQUEST)["message"]


def test_reviews_list_the_sets_of_a_key_and_their_progress(
    share_engine: Engine, maker: Maker, preparer: Preparer
) -> None:
    store: Any = preparer.sets.storage
    tab = Reviews(share_engine, store, preparer.sets)
    assert tab.sets("", REQUEST) == ""
    shown = maker.create(lambda: demo(3), Form("Tea & <b>coffee</b>"), "", BASE)
    owner, id_ = shown["owner"], shown["made"].id
    listed = str(tab.sets(f"{BASE}/?o={owner}", REQUEST))
    assert f'<a href="{BASE}/?s={id_}&amp;o={owner}">Tea &amp; &lt;b&gt;coffee&lt;/b&gt;</a>' in listed
    assert "0 of 3 ready" in listed and "being prepared" in listed and f'value="{BASE}/?s={id_}"' in listed
    while preparer.step():
        pass
    preparer.sets.begin(id_, "Ada")
    assert ">takes answers<" in tab.sets(owner, REQUEST) and 'data-title="Reviewers ">1<' in tab.sets(owner, REQUEST)
    preparer.sets.close(owner, id_)
    assert ">closed<" in tab.sets(owner, REQUEST)
    preparer.sets.delete(owner, id_)
    assert "None yet" in tab.sets(owner, REQUEST)


def test_time_left_is_told_in_seconds_then_minutes() -> None:
    assert [make_set._about(s) for s in (0.2, 20.4, 600.0)] == ["about 1 s", "about 20 s", "about 10 min"]
