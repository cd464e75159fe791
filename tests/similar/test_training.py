"""The nearest training article: a copy, a rewrite, and nothing alike."""

import pytest

from fakenews.data.registry import load
from fakenews.data.table import as_table, joined_texts
from fakenews.similar.neighbors import Neighbors


def test_a_copy_is_found_and_a_rewrite_is_nearest():
    table = load("demo")
    training = Neighbors.of_training(table)
    copy, rewrite, stranger = training.nearest(
        [joined_texts(table)[3], " ".join(table["text"][5].split()[::2]), "qwertz uiop"]
    )
    assert copy.similarity == pytest.approx(1, abs=1e-5) and copy.title == table["title"][3]
    assert copy.label == table["label"][3]
    assert rewrite.title == table["title"][5] and 0.3 < rewrite.similarity < 1
    assert stranger.similarity == 0
    assert training.nearest([]) == []


def test_an_article_without_a_title_is_named_by_its_first_words():
    import pandas as pd

    texts = ["An old bridge is to be mended before winter comes", "The council heard nothing of rivers or of boats"]
    training = Neighbors.of_training(as_table(pd.DataFrame({"text": texts, "label": [0, 1]})))
    assert training.nearest(["bridge mended"])[0].title == f"{texts[0]}…"
