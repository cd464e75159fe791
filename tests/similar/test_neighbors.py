"""Text like this: planted topics find their own articles, and the record is that of these articles."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from experiments.neighbors import fit_neighbors, held_out_articles
from fakenews.data.table import article_id
from fakenews.metrics.evaluation import wilson_interval
from fakenews.similar.neighbors import FILE, WIDTH, Neighbors
from fakenews.similar.track_record import SILENT, UNASKED, WRONG, TrackRecord, outcomes, track_record
from fakenews.text import join
from fakenews.verdict import judge

TOPICS = {topic: [f"{topic}{i}" for i in range(40)] for topic in ("harbour", "ballot", "kitchen")}


def _articles(n: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    topics = [list(TOPICS)[i % 3] for i in range(n)]
    return [" ".join(rng.choice(TOPICS[t], 60)) for t in topics], topics


TEXTS, OWN = _articles(240)
IDS = [article_id(text) for text in TEXTS]


@pytest.fixture(scope="module")
def store() -> Neighbors:
    return fit_neighbors(TEXTS, IDS, OWN)


def predictions() -> pd.DataFrame:
    """Return a model that is wrong on every second kitchen article, right on ballots, and never saw the harbour.

    On every fourth kitchen article it gives no verdict.
    """
    rows = pd.DataFrame({"id": IDS, "corpus": OWN, "label": 0, "p_fake": 0.9})
    kitchen = np.flatnonzero(rows["corpus"] == "kitchen")
    rows.loc[kitchen[::2], "p_fake"] = 0.1
    rows.loc[kitchen[1::4], "p_fake"] = 0.5
    rows["prediction"] = [judge("m", p, 0.0, 400) for p in rows["p_fake"]]
    return rows[rows["corpus"] != "harbour"]


def test_an_article_is_nearest_to_its_own_topic(store):
    for topic, terms in TOPICS.items():
        similarities = store.similarities(" ".join(terms))
        nearest = np.argsort(-similarities)[:50]
        assert set(store.articles["corpus"].iloc[nearest]) == {topic}
        assert similarities.max() <= 1.0 + 1e-6


def test_the_record_is_that_of_the_nearest_articles(store):
    made = outcomes(store, predictions())
    kitchen = track_record(store, made, " ".join(TOPICS["kitchen"]), "m", k=80)
    ballot = track_record(store, made, " ".join(TOPICS["ballot"]), "m", k=80)
    assert kitchen is not None and ballot is not None
    assert (kitchen.n_nearest, kitchen.n, kitchen.n_wrong, kitchen.error) == (80, 60, 40, 2 / 3)
    assert (ballot.n_wrong, dict(ballot.corpora)) == (0, {"ballot": 80})
    assert kitchen.interval == wilson_interval(40, 60)
    assert kitchen.similarity > 0.5
    assert json.loads(json.dumps(kitchen.to_dict()))["corpora"] == {"kitchen": 80}
    assert TrackRecord.from_dict(json.loads(json.dumps(kitchen.to_dict()))) == kitchen


def test_an_article_never_counts_in_its_own_record(store):
    made = np.full(240, SILENT, dtype=np.int8)
    own = OWN.index("ballot")
    made[own] = WRONG
    assert track_record(store, made, TEXTS[own], "m", k=80).n_wrong == 0
    assert track_record(store, made, " ".join(TOPICS["ballot"]), "m", k=80).n_wrong == 1
    alone = np.full(240, UNASKED, dtype=np.int8)
    alone[own] = WRONG
    assert track_record(store, alone, TEXTS[own], "m") is None


def test_the_same_article_under_a_title_never_counts_either(store):
    made = np.full(240, UNASKED, dtype=np.int8)
    own = OWN.index("ballot")
    made[own] = WRONG
    titled = join(" ".join(TOPICS["harbour"]), TEXTS[own])
    assert 0.5 < store.similarities(titled)[own] < 0.99
    assert track_record(store, made, titled, "m") is None


def test_verdicts_are_mostly_wrong_where_chance_alone_would_not_have_it(store):
    made = outcomes(store, predictions())
    assert track_record(store, made, " ".join(TOPICS["kitchen"]), "m", k=80).mostly_wrong  # 40 of 60
    two_of_three = TrackRecord("m", 6, 4, 2 / 3, (0.3, 0.9), {}, 0.5, 8)
    assert not two_of_three.mostly_wrong  # of so few that it may be chance
    assert not track_record(store, made, " ".join(TOPICS["ballot"]), "m", k=80).mostly_wrong


def test_where_there_was_no_verdict_there_is_no_share_of_wrong_ones(store):
    record = track_record(store, np.full(240, SILENT, dtype=np.int8), " ".join(TOPICS["ballot"]), "m", k=10)
    assert (record.n_nearest, record.n, record.error, record.interval, record.mostly_wrong) == (
        10,
        0,
        None,
        None,
        False,
    )
    assert TrackRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_a_record_from_before_verdicts_were_counted_is_still_read():
    old = {
        "model": "m", "n": 100, "n_wrong": 40, "error": 0.4, "interval": [0.31, 0.5], "corpora": {"isot": 100},
        "similarity": 0.5,
    }  # fmt: skip
    assert TrackRecord.from_dict(old).n_nearest is None


def test_articles_a_model_never_answered_do_not_count(store):
    made = outcomes(store, predictions())
    assert (made == UNASKED).sum() == 80
    harbour = track_record(store, made, " ".join(TOPICS["harbour"]), "m", k=10)
    assert harbour is not None and "harbour" not in harbour.corpora and harbour.similarity < 0.3
    assert track_record(store, np.full(240, UNASKED, dtype=np.int8), "ballot1", "m") is None


def test_the_store_survives_the_disk_and_holds_no_text(store, tmp_path):
    store.save(tmp_path)
    again = Neighbors.load(tmp_path)
    assert again is not None
    pd.testing.assert_frame_equal(again.articles, store.articles)
    assert again.vectorizer.vocabulary_ == store.vectorizer.vocabulary_
    text = " ".join(TOPICS["ballot"][:20])
    assert again.similarities(text) == pytest.approx(store.similarities(text), abs=0.03)
    raw = (tmp_path / FILE).read_bytes()
    assert not any(text[:30].encode() in raw for text in TEXTS)
    assert Neighbors.load(tmp_path / "elsewhere") is None


def test_a_text_without_known_words_is_like_nothing(store):
    assert not store.similarities("Nothing of this was ever seen").any()
    assert store.project([]).shape == (0, WIDTH)
    assert track_record(store, outcomes(store, predictions()), "Nothing of this was ever seen", "m") is None


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="at least two articles, got 1"):
        fit_neighbors(TEXTS[:1], IDS[:1], OWN[:1])
    with pytest.raises(ValueError, match="too few for 64 directions"):
        fit_neighbors(TEXTS[:20], IDS[:20], OWN[:20])


def test_only_held_out_articles_are_placed(tmp_path):
    """Not validation rows, claims, the demo, or corpora that are not here."""
    table = pd.DataFrame({"text": [f"Article {i}." for i in range(6)], "label": [0, 1] * 3, "title": "T"})
    for name in ("fakes", "liar", "isot"):
        table.to_parquet(tmp_path / f"{name}.parquet")
    ids = [article_id(text) for text in table["text"]]
    parts = (("fakes", "all"), ("liar", "all"), ("isot", "validation"), ("isot", "test"), ("webis2016", "all"))
    measured = pd.concat(
        [pd.DataFrame({"id": ids[:3] if s != "validation" else ids[3:], "corpus": c, "split": s}) for c, s in parts]
        + [pd.DataFrame({"id": ids, "corpus": "demo", "split": "all"})]
    )
    found = held_out_articles(measured, tmp_path)
    assert found.groupby("corpus")["id"].apply(list).to_dict() == {"fakes": ids[:3], "isot": ids[:3]}
