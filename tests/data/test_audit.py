import json

import numpy as np
import pandas as pd
import pytest

from fakenews.data.audit import AuditReport, audit, describe, neutral_parts
from fakenews.data.leakage import RuleResult, exclusive_strings, one_rule_baselines, raw_tokens, word_tokens
from fakenews.data.table import as_table

SUBJECTS = ("pier", "clock", "bridge", "library", "ferry", "garden", "market", "tram", "museum", "school")


def planted() -> pd.DataFrame:
    """Ten wire reports, all but one with an agency in brackets; ten hoaxes with lost apostrophes and links."""
    real = [
        f"HARBOUR{' (Reuters)' if i else ''} - The council opened its {s} on Tuesday after {i + 2} years of work, "
        f"a spokesman said, and “nobody” expects the {s} to close before winter number {i}."
        for i, s in enumerate(SUBJECTS)
    ]
    fake = [
        f"They won t tell you what the mayor s {s} hides, and reader number {i} has seen it with {i + 3} friends, "
        f"so look at https://example.org/{s} before the {s} is gone for good. Featured image via Nobody"
        for i, s in enumerate(SUBJECTS)
    ]
    titles = [f"Council opens {s}" for s in SUBJECTS] + [f"SHOCKING truth about the {s}" for s in SUBJECTS]
    return as_table(pd.DataFrame({"title": titles, "text": real + fake, "label": [1] * 10 + [0] * 10}))


@pytest.fixture(scope="module")
def report() -> AuditReport:
    frame = planted()
    twin = frame["text"][0].replace("“nobody”", '"nobody"').replace("winter", "Winter")
    near = frame["text"][11].replace("for good", "for ever")
    extra = as_table(
        pd.DataFrame(
            {"title": "", "text": [twin, near, "the same words", "The same words.", "?"], "label": [1, 1, 0, 1, 0]}
        )
    )
    return audit(pd.concat([frame, extra], ignore_index=True))


def rule(results: tuple[RuleResult, ...], name: str) -> RuleResult:
    return next(r for r in results if r.name == name)


def test_rows_and_duplicates_are_counted(report: AuditReport) -> None:
    assert (report.n, report.counts) == (25, {"fake": 12, "real": 13})
    assert report.empty_texts == 1
    assert (report.exact_duplicates, report.exact_conflicts) == (2, 1)
    assert (report.near_duplicate_groups, report.near_duplicates, report.near_conflicts) == (3, 3, 2)


def test_rules_are_scored_as_classifiers() -> None:
    frame = planted()
    results = one_rule_baselines(frame["title"].tolist(), frame["text"].tolist(), frame["label"].to_numpy(np.int64))
    reuters = rule(results, "reuters")
    assert (reuters.predicts, reuters.accuracy, reuters.share_fake, reuters.share_real) == ("real", 0.95, 0.0, 0.9)
    for name, predicts in (
        ("curly_quote", "real"),
        ("orphaned_clitic", "fake"),
        ("capitals", "fake"),
        ("address", "fake"),
    ):
        assert (rule(results, name).predicts, rule(results, name).accuracy) == (predicts, 1.0)
    absent = rule(results, "picture_link")
    assert (absent.predicts, absent.accuracy) == (None, 0.5)


def test_cleaning_takes_the_leakage_away(report: AuditReport) -> None:
    for name in ("reuters", "curly_quote", "orphaned_clitic", "featured_image", "address"):
        assert rule(report.rules_raw, name).accuracy > 0.8
        assert rule(report.rules_neutral, name).predicts is None
    assert rule(report.rules_neutral, "capitals").accuracy > 0.8


def test_exclusive_strings_are_in_one_class_only() -> None:
    texts = ["red (X) fish"] * 6 + ["red blue fish"] * 6
    found = exclusive_strings(texts, np.array([0] * 6 + [1] * 6), raw_tokens)
    assert [(s.string, s.label, s.n, s.share) for s in found] == [("(X)", "fake", 6, 1.0), ("blue", "real", 6, 1.0)]


def test_pairs_of_shared_words_count_once_per_article() -> None:
    texts = ["old boat. old boat, new pier"] * 5 + ["new boat; old pier"] * 5
    found = exclusive_strings(texts, np.array([0] * 5 + [1] * 5), word_tokens)
    assert {(s.string, s.label, s.n) for s in found} == {
        ("old boat", "fake", 5),
        ("boat new", "fake", 5),
        ("new pier", "fake", 5),
        ("new boat", "real", 5),
        ("old pier", "real", 5),
    }


def test_rare_strings_and_tables_of_one_class_give_none() -> None:
    labels = np.array([0] * 4 + [1] * 4)
    assert exclusive_strings(["odd word"] * 4 + ["plain"] * 4, labels, raw_tokens) == ()
    assert exclusive_strings(["odd word"] * 8, np.zeros(8, dtype=np.int64), raw_tokens) == ()


def test_a_table_of_one_class_is_audited() -> None:
    frame = planted()
    report = audit(frame[frame["label"] == 0])
    assert report.counts == {"fake": 10, "real": 0}
    assert rule(report.rules_raw, "address").share_real is None
    assert set(report.words) == {"fake"}
    assert "–" in describe(report)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to audit"):
        audit(planted().iloc[:0])


def test_lengths_are_quantiles_of_words() -> None:
    frame = as_table(pd.DataFrame({"text": ["one", "one two three", "a b c d e"], "label": [0, 0, 0]}))
    words = audit(frame).words["fake"]
    assert (words["0.5"], words["0.25"]) == (3.0, 2.0)


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    audit(planted(), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_the_report_is_json_and_reads_well(report: AuditReport) -> None:
    values = json.loads(json.dumps(report.to_dict()))
    assert values["rules_raw"][0]["name"] == "reuters"
    assert values["near_conflicts"] == 2
    lines = describe(report).splitlines()
    assert lines[0].startswith("25 rows: 12 fake, 13 real")
    assert max(map(len, lines)) <= 100
    assert any("contains “(Reuters)”" in line and " real " in line for line in lines)


def test_neutral_title_and_body_are_parts_of_what_classifiers_read() -> None:
    assert neutral_parts("“SHOCK” at the pier", "HARBOUR (Wire) - It didn’t sink.") == (
        "SHOCK at the pier",
        "It didnt sink.",
    )
    assert neutral_parts(" ", "It sank.") == ("", "It sank.")
