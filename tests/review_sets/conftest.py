"""Review sets of self-written articles, made ready with one analysis that is computed once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from fakenews.engine import Engine
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import Answer, NewItem, SetLink
from fakenews.review_sets.work import WorkList
from fakenews.schema import Span
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.share.conftest import ARTICLE, snapshot_of

Ready = Callable[..., SetLink]
FIRST = Answer(0, "fake", confidence=4, seconds=12.5)
SECOND = Answer(0, "fake", 4, 12.5, after="real", spans=(Span(0, 5), Span(7, 9)), comment="So it is.")


def article(number: int) -> str:
    """Return one of any number of articles, which all begin alike, so that one analysis fits all."""
    return f"{ARTICLE} This is copy {number}."


def items(n: int, first: int = 0) -> list[NewItem]:
    return [NewItem(article(i), ("fake", "real", None)[i % 3]) for i in range(first, first + n)]


def dump(store: ShareStore, *without: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that the bucket knows of; when a set is claimed, only the index does."""
    with store.reading() as connection:
        return {
            name: sorted(
                (tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name != "claimed")))),
                key=str,
            )
            for name, table in METADATA.tables.items()
            if name not in without
        }


@pytest.fixture(scope="session")
def engine(share_engine: Engine) -> Engine:
    return share_engine


@pytest.fixture(scope="session")
def snapshot(engine: Engine) -> Snapshot:
    return snapshot_of(engine, engine.judge.check("", ARTICLE))


@pytest.fixture
def sets(store: ShareStore) -> SetStore:
    return SetStore(store)


def analyze(sets: SetStore, snapshot: Snapshot | None, problem: str = "") -> int:
    """Give every article that waits the same analysis; return how many there were."""
    work, n = WorkList(sets.storage, sets.text_of), 0
    for set_hash in work.waiting():
        while (claimed := work.claim(set_hash)) is not None:
            work.analyzed(claimed, snapshot, problem)
            n += 1
    work.release()
    return n


@pytest.fixture
def ready(snapshot: Snapshot) -> Ready:
    """Make a set of three articles whose analyses are there."""

    def make(sets: SetStore, n: int = 3, **options: object) -> SetLink:
        link = sets.create(items(n), **{"title": "Ours", **options})  # type: ignore[arg-type]
        analyze(sets, snapshot)
        return link

    return make
