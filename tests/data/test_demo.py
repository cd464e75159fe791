"""The articles that ship with the project are fiction, complete and in the table's form."""

import re
from collections import Counter
from datetime import date

import pandas as pd
import pytest

from fakenews.data import registry
from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.exact import normalized
from fakenews.data.table import article_id

REAL_NAMES = re.compile(
    r"\b(Reuters|Associated Press|AP|AFP|UPI|dpa|TASS|Xinhua|Bloomberg|CNN|BBC|Fox News|MSNBC|NBC|CBS|Breitbart"
    r"|Infowars|New York Times|Washington Post|Guardian|Politico|Facebook|Twitter|Google|YouTube|Instagram|Getty"
    r"|Netflix|Tesla|Microsoft|Boeing|Pfizer|Walmart|Trump|Clinton|Obama|Biden|Putin|Merkel|Musk|FBI|CIA|NASA|CDC|FDA|NATO)\b"
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return registry.load("demo")


def test_about_eighty_articles_half_of_them_fake(frame: pd.DataFrame) -> None:
    assert len(frame) == registry.DATASETS["demo"].n_rows == 82
    assert Counter(frame["label"]) == {0: 41, 1: 41}


def test_ids_are_unique_and_those_of_the_texts(frame: pd.DataFrame) -> None:
    assert frame["id"].is_unique
    assert frame["id"].tolist() == [article_id(text) for text in frame["text"]]


def test_every_row_says_what_it_is(frame: pd.DataFrame) -> None:
    assert (frame["split"] == "demo").all()
    assert (frame["source_repo"] == "written for this demo").all()
    assert set(frame["subject"]) == {
        "hoax", "satire", "wire", "local", "mixed", "brief", "long-read", "other-language",
    }  # fmt: skip
    assert (frame["title"].str.strip() != "").all()
    assert all(date(2016, 1, 1) <= date.fromisoformat(day) <= date(2018, 12, 31) for day in frame["date"])


def test_languages_are_given(frame: pd.DataFrame) -> None:
    languages = Counter(frame["language"])
    assert languages["en"] >= 70
    assert set(languages) == {"en", "es", "pt", "ru", "ar", "de", "fr", "zh"}
    assert set(frame.loc[frame["subject"] == "other-language", "language"]) == set(languages) - {"en"}


def test_lengths_reach_from_one_line_to_a_long_read(frame: pd.DataFrame) -> None:
    words = frame["text"].str.split().str.len()
    assert words.min() < 15
    assert words.max() > 1500
    assert 150 < words.median() < 400


def test_no_real_agency_company_or_person_is_named(frame: pd.DataFrame) -> None:
    named = [(i, m.group()) for i, text in zip(frame["id"], frame["title"] + "\n" + frame["text"], strict=True)
             for m in REAL_NAMES.finditer(text)]  # fmt: skip
    assert named == []


def test_links_go_nowhere(frame: pd.DataFrame) -> None:
    hosts = {host for text in frame["text"] for host in re.findall(r"(?:https?://|www\.|pic\.)([\w.\-]+)", text)}
    assert hosts <= {"example.org", "example.com"}


def test_both_classes_use_curly_and_straight_quotes(frame: pd.DataFrame) -> None:
    for label in (0, 1):
        texts = frame.loc[(frame["label"] == label) & (frame["language"] == "en"), "text"]
        curly = texts.str.contains("[“’]").mean()
        assert 0.3 < curly < 0.8


def test_no_article_is_told_twice(frame: pd.DataFrame) -> None:
    assert frame["text"].map(normalized).is_unique
    assert len(set(near_duplicate_groups(frame["text"].tolist()).tolist())) == len(frame)
