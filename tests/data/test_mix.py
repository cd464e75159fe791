"""Several corpora as one table: no article twice, one left out cleanly, every class of a corpus with its say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fakenews.data.duplicates import near_copies
from fakenews.data.mix import balance, leave_out, mix
from fakenews.data.table import as_table

SPLITS = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2


def corpus(word: str, shared: str = "") -> pd.DataFrame:
    """Ten articles of both classes; the first one reads `shared`, where that is given."""
    texts = [f"{word} story number {i} tells of {word} and of nothing else at all" for i in range(10)]
    titles = [f"{word} title of at least five words {i}" for i in range(10)]
    if shared:
        texts[0] = shared
    return as_table(pd.DataFrame({"title": titles, "text": texts, "label": [0, 1] * 5, "split": SPLITS}))


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    twin = "the very same opening that stands in two corpora " * 5
    return {"home": corpus("harbour"), "one": corpus("lantern", twin), "two": corpus("meadow", twin.upper())}


def test_an_article_that_stands_in_several_is_kept_in_the_first(tables):
    whole = mix(tables)
    assert whole["corpus"].value_counts().to_dict() == {"home": 10, "one": 10, "two": 9}
    assert whole["text"].str.contains("very same", case=False).sum() == 1


def test_only_the_first_corpus_keeps_a_test_part(tables):
    whole = mix(tables)
    assert set(whole.loc[whole["split"] == "test", "corpus"]) == {"home"}
    assert (whole["split"] == "validation").sum() == 6


def test_no_article_of_a_left_out_corpus_is_trained_on(tables):
    rest, out = leave_out(tables, "two")
    assert set(rest["corpus"]) == {"home", "one"} and set(out["corpus"]) == {"two"}
    assert len(out) == 10 and len(rest) == 19  # the shared one is answered, so it is not trained on
    assert not rest["text"].str.contains("very same", case=False).any()


def test_what_is_shared_with_home_is_not_measured(tables):
    tables["home"].loc[3, "title"] = tables["two"].loc[3, "title"].upper()
    rest, out = leave_out(tables, "two")
    assert len(out) == 9 and (rest["corpus"] == "home").sum() == 10


def test_a_near_copy_of_a_left_out_article_is_not_trained_on(tables):
    words = [f"word{i}" for i in range(200)]
    tables["two"].loc[4, "text"] = " ".join(words)
    tables["one"].loc[4, "text"] = " ".join(["Another", "opening", *words[2:]])
    tables["home"].loc[4, "text"] = " ".join([*words[:190], "another", "ending"])
    rest, out = leave_out(tables, "two")
    assert len(out) == 9  # what home has is not measured
    assert "Another opening" in "".join(rest["text"])
    tables["home"].loc[4, "text"] = "Nothing of the kind."
    rest, out = leave_out(tables, "two")
    assert len(out) == 10 and "Another opening" not in "".join(rest["text"])


def test_texts_without_a_word_are_no_copies_of_each_other():
    assert near_copies(["", "one two three four", "..."], ["", "One two three, four!"]).tolist() == [False, True, False]


def test_corpora_of_one_source_are_left_out_together(tables):
    whole = {**tables, "gossipcop": corpus("orchard"), "gossipcop_subset": corpus("pebble")}
    for name in ("gossipcop", "gossipcop_subset"):
        rest, out = leave_out(whole, name)
        assert set(rest["corpus"]) == {"home", "one", "two"} and set(out["corpus"]) == {name}


def test_the_family_of_the_first_corpus_cannot_be_left_out(tables):
    family = {"horne2017": tables["home"], "horne2017_satire": tables["one"], "two": tables["two"]}
    with pytest.raises(ValueError, match="it shares its source with horne2017, which training starts from"):
        leave_out(family, "horne2017_satire")


def test_tables_of_one_class_are_mixed_and_made_way_for(tables):
    one_class = {**tables, "real_only": corpus("orchard").assign(label=1)}
    assert mix(one_class)["corpus"].value_counts()["real_only"] == 10
    rest, out = leave_out(one_class, "two")
    assert (rest["corpus"] == "real_only").sum() == 10 and len(out) == 10
    rest, out = leave_out(one_class, "real_only")
    assert set(out["label"]) == {1} and "real_only" not in set(rest["corpus"])


@pytest.mark.parametrize("name", ["home", "three"])
def test_home_and_strangers_cannot_be_left_out(tables, name):
    with pytest.raises(ValueError, match=f"Cannot leave out {name!r}: besides home, the corpora are one, two"):
        leave_out(tables, name)


def test_a_duplicate_leaked_across_the_split_is_seen(tables):
    """Return the check of the shipped protocol itself: planted, the leak shows; left to `mix`, there is none."""

    def leaked(frame: pd.DataFrame) -> set[str]:
        keys = frame["text"].str.lower()
        return set(keys[frame["split"] == "train"]) & set(keys[frame["split"] != "train"])

    assert not leaked(mix(tables))
    planted = pd.concat([mix(tables), tables["home"].iloc[[9]].assign(split="train", corpus="home")])
    assert leaked(planted)


def test_every_class_of_a_corpus_has_the_same_say_at_full_power():
    corpora, labels = ["a"] * 8 + ["b"] * 4, [0] * 6 + [1] * 2 + [0] * 2 + [1] * 2
    weights = balance(corpora, labels, 1.0)
    sums = pd.Series(weights).groupby([corpora, labels]).sum()
    np.testing.assert_allclose(sums, 3.0)
    np.testing.assert_allclose(balance(corpora, labels, 0.0), 1.0)
    assert balance(corpora, labels).mean() == pytest.approx(1.0)


def test_a_power_beyond_its_range_is_refused():
    with pytest.raises(ValueError, match="power must lie between 0 and 1, got 2"):
        balance(["a", "b"], [0, 1], 2.0)
