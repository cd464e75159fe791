"""What a link shows: every press is answered by a server that knows nothing of the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakenews.engine import Engine
from fakenews.schema import Span
from fakenews.share.review import MAX_SPANS
from fakenews.share.shared import NOT_SHARED
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import ShareStore
from fakenews.ui import render_shares
from fakenews.ui.shared import SELECT, SharedPage, Visitor
from tests.share.conftest import ARTICLE, snapshot_of


@pytest.fixture(scope="module")
def snapshot(share_engine: Engine) -> Snapshot:
    return snapshot_of(share_engine, share_engine.judge.check("", ARTICLE))


class Servers:
    """One storage, and a new server for everything that is asked."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.store = ShareStore(url)

    def __getattr__(self, name: str) -> Any:
        self.store.close()
        self.store = ShareStore(self.store.url)
        return getattr(SharedPage(self.engine, self.store), name)

    def opened(self, id_: str, kept: str = "") -> dict[str, Any]:
        """Return what is drawn for a link, by its name."""
        found: dict[str, Any] = self.open(id_, kept)
        return found


@pytest.fixture
def servers(share_engine: Engine, tmp_path: Path) -> Iterator[Servers]:
    found = Servers(share_engine, f"sqlite:///{tmp_path / 's.db'}")
    yield found
    found.store.close()


def marked(drawn: dict[str, Any]) -> tuple[str, str]:
    return drawn["marks"], drawn["visitor"]


def shown(update: Any) -> bool:
    return bool(update["visible"])


def test_a_review_goes_on_where_it_was_after_a_restart_or_a_reload(servers: Servers, snapshot: Snapshot) -> None:
    link = servers.store.share(snapshot, blind=True)
    kept = servers.opened(link.id)["visitor"]
    begun = servers.begin(kept, "Ada", "real")
    kept = begun["visitor"]
    assert begun["begun"] == "" and "<mark" in servers.drawn(kept, "word2vec", "word")["text"]
    listed, kept = marked(servers.mark(kept, "0-9"))
    assert "1 stretch is marked" in listed

    again = servers.opened(link.id, kept)
    assert not shown(again["blind"]) and shown(again["form"]) and again["message"] == ""
    assert (again["name"], again["verdict"], again["marks"]) == ("Ada", "real", listed)
    assert "You said first: reads like real news" in again["cards"]

    sent = servers.send(again["visitor"], "Ada", "fake", "So it is.", "yes", None)
    assert "Thank you" in sent["message"] and 'role="status"' in sent["message"] and not shown(sent["form"])
    assert f"until {render_shares.day(link.expires)}" in sent["message"], "what happens next"
    (review,) = servers.store.owned(link.owner)[0].reviews
    assert (review.first_verdict, review.verdict, review.spans) == ("real", "fake", (Span(0, 9),))
    again = servers.opened(link.id, kept)
    assert "Thank you" in again["message"] and not shown(again["form"]) and not shown(again["blind"])


def test_what_another_link_left_in_the_browser_shows_nothing(servers: Servers, snapshot: Snapshot) -> None:
    first, second = (servers.store.share(snapshot, blind=True) for _ in range(2))
    key = servers.store.begin(first.id, "Ada", "real")
    for kept in (f"{first.id} {key}", f"{second.id} {key}", "x", f"{second.id}  0-99999999 7-3 ٣-٤ x-y"):
        assert shown(servers.opened(second.id, kept)["blind"]), kept
        assert "text" not in servers.drawn(kept.replace(first.id, second.id), "tfidf", "word")
    assert NOT_SHARED in servers.send("x", "Ada", "fake", "")["message"]
    assert NOT_SHARED in servers.mark("", "0-4")["marks"]


def test_marks_hold_what_was_selected_and_say_when_nothing_was(servers: Servers, snapshot: Snapshot) -> None:
    id_ = servers.store.share(snapshot).id
    kept, end = str(Visitor(id_)), len(snapshot.text)
    for nothing in ("", None, "4-4", "9-3", f"0-{end + 1}", "x-y"):
        said, same = marked(servers.mark(kept, nothing))
        assert SELECT in said and same == kept and "data-open" not in said
    listed, kept = marked(servers.mark(kept, f"{end - 9}-{end}"))
    listed, kept = marked(servers.mark(kept, "2-9"))
    listed, kept = marked(servers.mark(kept, "5-12"))
    assert Visitor.read(kept).spans == (Span(2, 12), Span(end - 9, end))
    assert SELECT in servers.mark(kept, "")["marks"] and servers.mark(kept, "")["marks"].count("data-open") == 2
    listed, kept = marked(servers.unmark(kept, "2-12"))
    assert Visitor.read(kept).spans == (Span(end - 9, end),) and "1 stretch" in listed

    full = str(Visitor(id_, "", (Span(0, 6),) * MAX_SPANS))
    assert servers.mark(full, f"{end - 9}-{end}")["visitor"] == full
    assert (
        "no more fit" in servers.mark(full, f"{end - 9}-{end}")["marks"] and SELECT in servers.mark(full, "")["marks"]
    )


def test_every_button_of_a_mark_is_named_by_what_it_takes_away(snapshot: Snapshot) -> None:
    listed = render_shares.marks(snapshot, [Span(0, 6), Span(7, 12)])
    for quote in (snapshot.text[:6], snapshot.text[7:12]):
        assert f'aria-label="remove “{quote.strip()}”">remove<' in listed
