"""Evidence is replaced, checked and mended protocol by protocol."""

from __future__ import annotations

import json

import pytest

from experiments.evidence import bring_up_to_date, contradictions, recompute, update_evidence
from fakenews.evidence.files import read_evaluation, read_predictions
from tests.evidence import planted
from tests.evidence.planted import rows_of


@pytest.fixture
def folder(tmp_path):
    return planted.written(tmp_path / "tinybert")


def test_an_edited_number_is_found(folder):
    path = folder / "evaluation.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["protocols"]["grouped"]["corpora"]["isot/test"]["accuracy"] += 0.001
    stored["protocols"]["seed"]["coverage"]["isot/test"]["error"]["0.7"] = 0.0001
    stored["protocols"]["left-out"]["verdicts"]["horne2017/all"]["right"] += 1
    del stored["protocols"]["other"]["corpora"]["demo/all"]
    path.write_text(json.dumps(stored), encoding="utf-8")
    edited, verdicts, missing, curve = contradictions(folder)
    assert verdicts.startswith("tinybert: left-out horne2017/all states verdicts.right ")
    assert edited.startswith("tinybert: grouped isot/test states accuracy ")
    assert missing == "tinybert: other demo/all is in predictions.parquet only."
    assert curve.startswith("tinybert: seed isot/test states coverage.error.0.7 0.0001")


def test_what_contradicts_the_predictions_is_computed_anew_and_nothing_else_moves(folder):
    path = folder / "evaluation.json"
    before = path.read_text(encoding="utf-8")
    stored = json.loads(before)
    part = stored["protocols"]["grouped"]["corpora"]["isot/test"]
    part["intervals"]["ece"] = [0.5, 0.6]
    other = stored["protocols"]["external"]["corpora"]["horne2017/all"]["intervals"]
    other["brier"][0] *= 1 + 1e-12  # as another processor would have computed it
    stored["protocols"]["left-out"]["verdicts"]["horne2017/all"]["right"] += 1  # of another policy
    stored["protocols"]["seed"]["coverage"]["isot/test"]["error"]["0.7"] = 0.0001
    path.write_text(json.dumps(stored), encoding="utf-8")
    recompute(folder)
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after["protocols"]["external"]["corpora"]["horne2017/all"]["intervals"] == other
    other["brier"] = json.loads(before)["protocols"]["external"]["corpora"]["horne2017/all"]["intervals"]["brier"]
    after["protocols"]["external"]["corpora"]["horne2017/all"]["intervals"] = other
    assert after == json.loads(before)


def test_evidence_of_the_first_schema_is_brought_up_to_date(folder):
    before, rows = read_evaluation(folder), read_predictions(folder)
    facts = {k: v for k, v in before.to_dict().items() if k not in ("protocols", "reliability")}
    corpora = {name: e.to_dict() for name, e in before.corpora.items()}
    old = {**facts, "schema": 1, "corpora": corpora}
    (folder / "evaluation.json").write_text(json.dumps(old), encoding="utf-8")
    rows.drop(columns="protocol").to_parquet(folder / "predictions.parquet")
    with pytest.raises(ValueError, match='schema 2, got 1: run "python -m experiments report"'):
        read_evaluation(folder)
    assert bring_up_to_date(folder)
    assert not bring_up_to_date(folder)
    assert read_evaluation(folder).corpora == before.corpora
    assert read_evaluation(folder).calibration == before.calibration
    assert read_predictions(folder).equals(rows)
    assert contradictions(folder) == ()


def test_one_protocol_is_measured_again_and_the_others_stay(folder):
    before = read_evaluation(folder)
    rows = rows_of("isot", "test", 50, 3, 9).assign(protocol="time")
    after = update_evidence(folder, rows, {"time": {"minutes": 1.0}}, {}, latency_ms=12.5)
    assert after == read_evaluation(folder)
    assert list(after.protocols) == ["grouped", "left-out", "external", "other", "time", "seed"]
    assert {n: r for n, r in after.protocols.items() if n != "time"} == before.protocols
    assert (after.protocols["time"].training, after.latency_ms) == ({"minutes": 1.0}, 12.5)
    again = update_evidence(folder, rows.head(40), {}, {})
    assert again.protocols["time"].corpora["isot/test"].n == 40
    assert again.protocols["time"].weights == "shipped"
    assert contradictions(folder) == ()


def test_an_unknown_protocol_is_refused(folder):
    with pytest.raises(ValueError, match="Unknown protocol 'tim'. Known: grouped"):
        update_evidence(folder, rows_of("isot", "test", 50, 3, 9).assign(protocol="tim"), {}, {})
