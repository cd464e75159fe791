"""Evidence files: round trips, contradictions found, and the prose generated from them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fakenews.classifiers.base import Calibration
from fakenews.evidence.files import (
    PREDICTION_TYPES,
    bring_up_to_date,
    contradictions,
    evaluate_predictions,
    read_evaluation,
    read_predictions,
    recompute,
    update_evidence,
    with_protocol,
    write_evidence,
)
from fakenews.evidence.results import ModelEvidence
from fakenews.metrics.flips import ANY, EditFlips, FlipRates
from fakenews.reporting.card import model_card, write_model_card
from fakenews.reporting.tables import replace_results, results_table, summary_table

FLIPS = FlipRates(1, "isot/test", 100, {"add_dateline": EditFlips(80, 2), ANY: EditFlips(100, 3)})


def _rows(corpus, split, n, noise, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(2, size=n)
    margin = np.where(label == 0, 3.0, -3.0) + rng.normal(0, noise, n)
    return pd.DataFrame(
        {
            "id": [f"{corpus}{i:04x}" for i in range(n)],
            "corpus": corpus,
            "split": split,
            "label": label,
            "p_fake": 1 / (1 + np.exp(-margin)),
            "margin": margin,
            "text": "never written",
        }
    )


@pytest.fixture(scope="module")
def predictions():
    parts = (
        _rows("isot", "validation", 150, 2, 0),
        _rows("isot", "test", 200, 2, 1),
        _rows("demo", "all", 20, 1, 2),
        _rows("horne2017", "all", 120, 60, 3),
        _rows("isot", "test", 90, 1, 4).assign(protocol="seed"),
        _rows("horne2017", "all", 120, 40, 5).assign(protocol="left-out"),
        _rows("fakenewsamt", "all", 80, 20, 6).assign(protocol="left-out"),
    )
    rows = pd.concat(parts)
    return rows.assign(protocol=rows["protocol"].fillna(with_protocol(rows)["protocol"]))


@pytest.fixture
def folder(tmp_path, predictions):
    write_evidence(
        tmp_path / "tinybert",
        predictions,
        model="tinybert",
        seed=42,
        cleaning={"name": "neutral", "version": 1},
        training={"base": "a/b", "epochs": 3, "minutes": 23.6, "device": "cpu", "rows": {"fake": 900, "real": 800}},
        size_mb=29.12,
        latency_ms=85.4,
        calibration={
            "method": "Platt",
            **Calibration(1.2345678, 0.5, 0.25, -0.75).to_dict(),
            "fitted_on": "isot/validation",
        },
        own_training={"seed": {"cleaning": "raw", "minutes": 2.5}},
        formatting={"grouped": FLIPS},
    )
    return tmp_path / "tinybert"


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
    assert {name: str(stored[name].dtype) for name in ("label", "p_fake", "margin")} == {
        "label": "int8",
        "p_fake": "float32",
        "margin": "float32",
    }
    main = pd.concat([predictions[predictions["protocol"] == p] for p in ("grouped", "external", "other")])
    assert stored["id"].tolist() == main["id"].tolist()
    assert np.allclose(stored["p_fake"], main["p_fake"])
    assert read_predictions(folder, ["seed"])["protocol"].unique().tolist() == ["seed"]
    assert len(read_predictions(folder, None)) == len(predictions)
    assert b"never written" not in (folder / "predictions.parquet").read_bytes()


def test_stored_evaluation_follows_from_stored_predictions(folder):
    found = evaluate_predictions(read_predictions(folder, None))
    assert found == {name: result.corpora for name, result in read_evaluation(folder).protocols.items()}
    assert contradictions(folder) == ()


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


def test_missing_columns_are_refused_and_nothing_is_written(tmp_path, predictions):
    with pytest.raises(ValueError, match="lack the columns split, margin"):
        write_evidence(
            tmp_path / "x",
            predictions.drop(columns=["split", "margin"]),
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


def test_evidence_of_the_first_schema_is_brought_up_to_date(folder):
    before, rows = read_evaluation(folder), read_predictions(folder)
    facts = {k: v for k, v in before.to_dict().items() if k not in ("protocols", "reliability")}
    corpora = {name: e.to_dict() for name, e in before.corpora.items()}
    old = {**facts, "schema": 1, "corpora": corpora}
    (folder / "evaluation.json").write_text(json.dumps(old), encoding="utf-8")
    rows.drop(columns="protocol").to_parquet(folder / "predictions.parquet")
    with pytest.raises(ValueError, match='schema 2, got 1: run "fakenews report"'):
        read_evaluation(folder)
    assert bring_up_to_date(folder)
    assert not bring_up_to_date(folder)
    assert read_evaluation(folder).corpora == before.corpora
    assert read_evaluation(folder).calibration == before.calibration
    assert read_predictions(folder).equals(rows)
    assert contradictions(folder) == ()


def test_one_protocol_is_measured_again_and_the_others_stay(folder):
    before = read_evaluation(folder)
    rows = _rows("isot", "test", 50, 3, 9).assign(protocol="time")
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
        update_evidence(folder, _rows("isot", "test", 50, 3, 9).assign(protocol="tim"), {}, {})


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
    assert "| add dateline | 80 | 2 % |" in card
    assert "| Corpus | error at 70 % | error at 80 % | error at 90 % | error of all | area |" in card
    assert "100 %" not in card


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


def test_results_table_has_a_line_per_model_and_one_per_corpus_left_out(folder):
    evidence = read_evaluation(folder)
    bare = replace(evidence, model="tfidf", training={}, latency_ms=None, protocols={})
    table = results_table([evidence, bare])
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    first, per_protocol, per_corpus = rows[2:4], rows[6:9], rows[11:]
    assert [row[0] for row in first] == ["tinybert", "tfidf"]
    assert first[1][1:] == ["–"] * 9
    assert first[0][-1] == "3.0 %"  # moved by formatting
    given = list(evidence.protocols["left-out"].verdicts.values())
    share, right = np.mean([[v.given / v.n, v.accuracy] for v in given], axis=0)
    assert first[0][-2] == f"{100 * share:.0f} %, {100 * right:.0f} % right"
    assert [row[0] for row in per_protocol] == ["As in the notebooks", "Unseen articles", "Corpora left out"]
    assert per_protocol[1][1:3] == [first[0][1], "–"]
    assert per_protocol[2][1:3] == [first[0][5], "–"]  # the mean
    larger = [max(e.n_fake, e.n_real) / e.n for e in evidence.protocols["left-out"].corpora.values()]
    assert (rows[4][-1], per_protocol[2][-1]) == ("always the larger class", f"{100 * np.mean(larger):.0f} %")
    assert [row[:2] for row in per_corpus] == [["`horne2017`", "120"], ["`fakenewsamt`", "80"]]
    assert all(row[-1] == "–" for row in per_corpus)
    assert "- tinybert: trained on " in table and "trained in 24 minutes on cpu, 29.1 MB, 85 ms per" in table
    assert "- tfidf: trained on unnamed rows; split grouped, seed 42, text neutral 1, 29.1 MB" in table
    assert "100 %" not in table


def test_what_was_left_out_of_training_stands_for_what_was_never_seen(folder):
    evidence = read_evaluation(folder)
    assert list(evidence.unseen) == ["horne2017", "fakenewsamt"]
    left_out = evidence.protocols["left-out"]
    assert evidence.unseen["horne2017"] == (left_out.corpora["horne2017/all"], left_out.coverage["horne2017/all"])
    without = replace(evidence, protocols={k: v for k, v in evidence.protocols.items() if k != "left-out"})
    assert without.unseen["horne2017"][0] == evidence.protocols["external"].corpora["horne2017/all"]


def test_results_table_says_what_is_no_better_than_chance(folder):
    evidence = read_evaluation(folder)
    left_out = evidence.protocols["left-out"]
    for auc, told in (((0.45, 0.55), "no better than chance"), ((0.3, 0.4), "worse than chance")):
        corpora = {n: replace(e, intervals={**e.intervals, "roc_auc": auc}) for n, e in left_out.corpora.items()}
        changed = {**evidence.protocols, "left-out": replace(left_out, corpora=corpora)}
        assert told in results_table([replace(evidence, protocols=changed)])


BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"


def test_replace_results_touches_only_what_lies_between():
    text = f"head\n{BEGIN}\nold\n{END}\ntail\n"
    once = replace_results(text, "table", "| new |\n")
    assert once == f"head\n{BEGIN}\n| new |\n{END}\ntail\n"
    assert replace_results(once, "table", "| new |") == once


@pytest.mark.parametrize("text", ["none", f"{BEGIN} only", f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_replace_results_needs_its_markers(text):
    with pytest.raises(ValueError, match="once each"):
        replace_results(text, "table", "table")


def test_the_summary_has_a_row_for_each_model_and_eight_columns(folder):
    evidence = read_evaluation(folder)
    header, _, *rows = summary_table([evidence, replace(evidence, model="other", latency_ms=None)]).splitlines()
    assert header.count("|") == 9 and [row.split("|")[1].strip() for row in rows] == [evidence.model, "other"]
    assert rows[1].endswith("| – |")
