"""The Reviews tab: what was picked stays so, is named, and outlives the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from fakenews.engine import Engine
from fakenews.share.shared import Link
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import ShareStore
from fakenews.ui import render_shares, reviews
from fakenews.ui.reviews import PICK, Reviews
from tests.share.conftest import ARTICLE, snapshot_of

DAY = 86_400
REQUEST: Any = SimpleNamespace(request=SimpleNamespace(base_url="http://here/"))


@pytest.fixture(scope="module")
def snapshot(share_engine: Engine) -> Snapshot:
    return snapshot_of(share_engine, share_engine.judge.check("", ARTICLE))


@pytest.fixture
def clock() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
def store(tmp_path: Path, clock: list[float]) -> Iterator[ShareStore]:
    found = ShareStore(f"sqlite:///{tmp_path / 's.db'}", clock=lambda: clock[0])
    yield found
    found.close()


@pytest.fixture
def links(store: ShareStore, snapshot: Snapshot, clock: list[float]) -> list[Link]:
    """Three of one text under one key, the first one first: open, blind, and without its words."""
    found: list[Link] = []
    for second, how in enumerate(({}, {"blind": True}, {"redact": True})):
        clock[0] += 1
        taken = replace(snapshot, created=f"2026-11-27T10:00:0{second}+00:00")
        found.append(store.share(taken, owner=found[0].owner if found else "", **how))  # type: ignore[arg-type]
    return found


@pytest.fixture
def tab(share_engine: Engine, store: ShareStore) -> Reviews:
    return Reviews(share_engine, store)


def test_what_was_picked_stays_picked_until_it_is_gone(tab: Reviews, links: list[Link]) -> None:
    key, first = links[0].owner, links[0].id
    assert tab.show(key)["picked"]["value"] == links[2].id, "the latest"
    _, picker, said = tab.expire(key, first, 7).values()
    assert picker["value"] == first
    name = dict((id_, name) for name, id_ in picker["choices"])[first]
    assert name in said and 'role="status"' in said
    assert tab.show(key, first)["picked"]["value"] == first
    _, picker, said = tab.delete(key, first, True).values()
    assert name in said and first not in dict(picker["choices"]).values()
    assert picker["value"] is None, "the next press of Delete is about nothing that was not picked"
    assert PICK in tab.delete(key, picker["value"], True)["message"]
    assert len(tab.store.owned(key)) == 2


def test_shares_of_one_text_are_told_apart(tab: Reviews, links: list[Link]) -> None:
    names = [name for name, _ in tab.show(links[0].owner)["picked"]["choices"]]
    assert len(set(names)) == 3
    assert "Without its text" in names[0] and "blind" in names[1] and all("2026-11-27 10:00:0" in n for n in names)


def test_a_link_that_has_expired_is_not_given(tab: Reviews, links: list[Link], clock: list[float]) -> None:
    key, id_ = links[0].owner, links[0].id
    assert f"http://here/?a={id_}" in tab.address(key, id_, REQUEST)
    clock[0] += 91 * DAY
    told = tab.address(key, id_, REQUEST)
    assert id_ not in told and "has expired" in told


def test_a_pick_is_taken_by_a_server_that_never_offered_it(
    share_engine: Engine, store: ShareStore, links: list[Link]
) -> None:
    key, id_ = links[0].owner, links[0].id

    async def press() -> list[str]:
        with gr.Blocks() as blocks, gr.Tab("Reviews") as tab:
            reviews.build(share_engine, store, gr.BrowserState(""), tab)
        said = []
        for name, *inputs in (
            ("expire", key, id_, 7, "all", "", 0), ("address", key, id_), ("delete", key, id_, True, "all", "", 0)
        ):  # fmt: skip
            (handler,) = [f for f in blocks.fns.values() if f.name == name]
            found = await blocks.process_api(handler, inputs, SessionState(blocks), request=REQUEST)
            said.append(str(found["data"]))
        return said

    ends, link, gone = asyncio.run(press())
    assert "there until" in ends and id_ in link and "Deleted" in gone


def test_the_list_is_filtered_and_says_what_is_new_since_the_last_visit(
    tab: Reviews, store: ShareStore, links: list[Link], clock: list[float]
) -> None:
    key = links[0].owner

    def listed(*filters: Any) -> str:
        return str(tab.show(key, None, *filters)["listed"])

    def titles(*filters: Any) -> int:
        return listed(*filters).partition("<h3>")[0].count('<th scope="row">')

    store.review(links[0].id, name="Ada", verdict="fake")
    clock[0] += 60
    visit = int(1000 * clock[0])
    clock[0] += 60
    store.review(links[0].id, name="Bob", verdict="real")
    store.review(links[1].id, name="Eve", verdict="real", key=store.begin(links[1].id, "Eve", "fake"))
    assert ">new<" not in listed("all", "", 0), "nothing is new at a first visit"
    assert "2 new reviews since your last visit on 2027-01-15 08:01 UTC" in listed("all", "", visit)
    reviews = re.findall(r'<th scope="row">(\w+)( <small class="fn-badge">new</small>)?</th>', listed("all", "", visit))
    assert {name for name, new in reviews if new} == {"Bob", "Eve"} and ("Ada", "") in reviews
    assert [titles(only, "", visit) for only in ("all", "new", "waiting")] == [3, 2, 1]
    assert [titles("all", words, visit) for words in ("WITHOUT its", "no such title")] == [1, 0]
    assert "Nothing of what is shared is shown" in listed("all", "no such title", visit)


def test_both_buttons_that_copy_have_a_name_of_their_own() -> None:
    page = render_shares.link("http://here/?a=x", "http://here/?o=y", 0, False, True)
    names = [re.sub("<[^>]+>", "", found) for found in re.findall(r"<button.*?</button>", page)]
    assert names == ["Copy the link for reviewers", "Copy your own link"]
    assert "until 1970-01-01. Readers judge first" in page
