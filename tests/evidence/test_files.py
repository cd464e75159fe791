"""Evidence files: round trips, and the model card written from them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import contradictions
from fakenews.evidence.files import (
    PREDICTION_TYPES,
    evaluate_predictions,
    read_evaluation,
    read_predictions,
    write_evidence,
)
from fakenews.evidence.results import ModelEvidence
from fakenews.reporting.card import model_card, write_model_card
from tests.evidence import planted


@pytest.fixture(scope="module")
def predictions():
    return planted.predictions()


@pytest.fixture
def folder(tmp_path):
    return planted.written(tmp_path / "tinybert")


def test_evaluation_has_the_documented_layout(folder):
    stored = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert list(stored) == [
        "schema",
        "model",
        "protocol",
        "seed",
        "cleaning",
        "training",
        "size_mb",
        "latency_ms",
        "calibration",
        "protocols",
        "reliability",
    ]
    parts = {name: list(result["corpora"]) for name, result in stored["protocols"].items()}
    assert parts == {
        "grouped": ["isot/validation", "isot/test"],
        "left-out": ["horne2017/all", "fakenewsamt/all"],
        "external": ["horne2017/all"],
        "other": ["demo/all"],
        "seed": ["isot/test"],
    }
    grouped, seed = stored["protocols"]["grouped"], stored["protocols"]["seed"]
    assert {"n", "accuracy", "macro_f1", "roc_auc", "ece", "confusion_matrix", "intervals"} <= set(
        grouped["corpora"]["isot/test"]
    )
    assert set(grouped["coverage"]["isot/test"]["error"]) == {"0.7", "0.8", "0.9", "1.0"}
    assert (grouped["weights"], grouped["training"]) == ("shipped", {})
    assert (seed["weights"], seed["training"]) == ("own", {"cleaning": "raw", "minutes": 2.5})
    assert grouped["formatting"]["edits"]["add_dateline"]["rate"] == 2 / 80
    assert seed["formatting"] is None


def test_evidence_survives_the_disk(folder):
    evidence = read_evaluation(folder)
    assert ModelEvidence.from_dict(evidence.to_dict()) == evidence
    assert evidence.corpora["isot/test"].n == 200
    assert evidence.training["rows"] == {"fake": 900, "real": 800}


def test_predictions_survive_the_disk_without_text(folder, predictions):
    stored = read_predictions(folder)
    assert list(stored.columns) == list(PREDICTION_TYPES)
    assert {name: str(stored[name].dtype) for name in ("label", "p_fake", "log_odds")} == {
        "label": "int8",
        "p_fake": "float32",
        "log_odds": "float32",
    }
    main = pd.concat([predictions[predictions["protocol"] == p] for p in ("grouped", "external", "other")])
    assert stored["id"].tolist() == main["id"].tolist()
    assert np.allclose(stored["p_fake"], main["p_fake"])
    assert read_predictions(folder, ["seed"])["protocol"].unique().tolist() == ["seed"]
    assert len(read_predictions(folder, None)) == len(predictions)
    assert b"never written" not in (folder / "predictions.parquet").read_bytes()


def test_predictions_from_before_log_odds_had_their_name_are_read(folder, tmp_path):
    stored = read_predictions(folder, None)
    stored.rename(columns={"log_odds": "margin"}).to_parquet(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read_predictions(tmp_path, None), stored)


def test_stored_evaluation_follows_from_stored_predictions(folder):
    found = evaluate_predictions(read_predictions(folder, None))
    assert found == {name: result.corpora for name, result in read_evaluation(folder).protocols.items()}
    assert contradictions(folder) == ()


def test_missing_columns_are_refused_and_nothing_is_written(tmp_path, predictions):
    with pytest.raises(ValueError, match="lack the columns split, log_odds"):
        write_evidence(
            tmp_path / "x",
            predictions.drop(columns=["split", "log_odds"]),
            model="x",
            seed=1,
            cleaning={},
            training={},
            size_mb=1,
            latency_ms=None,
            calibration={},
        )
    assert not (tmp_path / "x").exists()


def test_another_schema_is_refused(folder):
    path = folder / "evaluation.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "schema": 3}), encoding="utf-8")
    with pytest.raises(ValueError, match="schema 2, got 3"):
        read_evaluation(folder)


def test_model_card(folder):
    path = write_model_card(folder, "A four-layer student of a six-layer teacher.\n")
    card = path.read_text(encoding="utf-8")
    assert path == folder / "README.md"
    assert card.startswith("---\nlicense: apache-2.0\nlanguage: en\n")
    assert card.count("\n---\n") == 1
    assert "\n# tinybert\n\nA four-layer student of a six-layer teacher.\n" in card
    sections = ("Other protocols", "Answering only where it is sure", "Formatting")
    for heading in ("Intended use", "Training", "Results", *sections, "Limits"):
        assert f"\n## {heading}\n" in card
    assert "| rows | fake 900, real 800 |" in card
    calibration = "method Platt, slope 1.235, shift 0.5, slope in domain 0.25, shift in domain -0.75"
    assert f"| calibration | {calibration}, fitted on isot/validation |" in card
    assert "| `isot/test` | 200 | 9" in card
    assert "by publisher, not by fact" in card
    assert "it does worse there" in card
    assert "| seed: as in the notebooks | fitted again | 90 |" in card
    assert "| add dateline | 80 | 2.5% |" in card
    assert "| Corpus | error at 70% | error at 80% | error at 90% | error of all | area |" in card
    assert "100%" not in card


def test_model_card_orders_own_corpus_others_demo(folder):
    card = model_card(read_evaluation(folder), "x")
    places = [card.index(f"| `{name}` |") for name in ("isot/test", "isot/validation", "horne2017/all", "demo/all")]
    assert places == sorted(places)


def test_model_card_without_other_corpora_says_so(folder):
    evidence = read_evaluation(folder)
    own = replace(evidence, protocols={"grouped": evidence.protocols["grouped"]}, latency_ms=None)
    card = model_card(own, "x")
    assert "It was not measured on corpora from other publishers" in card
    assert "| latency | not measured |" in card


def test_a_pipe_does_not_break_the_table(folder):
    evidence = replace(read_evaluation(folder), training={"device": "a|b"})
    assert "| device | a\\|b |" in model_card(evidence, "x")


def test_what_was_left_out_of_training_stands_for_what_was_never_seen(folder):
    evidence = read_evaluation(folder)
    assert list(evidence.unseen) == ["horne2017", "fakenewsamt"]
    left_out = evidence.protocols["left-out"]
    assert evidence.unseen["horne2017"] == (left_out.corpora["horne2017/all"], left_out.coverage["horne2017/all"])
    without = replace(evidence, protocols={k: v for k, v in evidence.protocols.items() if k != "left-out"})
    assert without.unseen["horne2017"][0] == evidence.protocols["external"].corpora["horne2017/all"]
