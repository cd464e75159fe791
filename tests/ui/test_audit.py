"""The stored audits are drawn as they are, and cover the corpora of the page."""

import json

import pytest

from fakenews.data.registry import DATASETS
from fakenews.ui.audit import AUDITS, section


@pytest.mark.parametrize("corpus", DATASETS)
def test_every_corpus_has_its_audit(corpus: str) -> None:
    report = json.loads((AUDITS / f"{corpus}.json").read_text(encoding="utf-8"))
    assert report["n"] == sum(report["counts"].values())
    shown = section(corpus)
    assert f"of {report['n']:,} articles are near duplicates" in shown
    assert all(rule["title"].split("“")[0].strip() in shown for rule in report["rules_raw"])


def test_the_agency_gives_isot_away_until_it_is_cleaned() -> None:
    shown = section("isot")
    assert "(real where it contains “(Reuters)”) is right on 99%" in shown


def test_a_table_without_an_audit_says_how_to_make_one() -> None:
    assert "fakenews data audit" in section("mine")
