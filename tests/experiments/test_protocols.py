"""Measuring under protocols: fitted again where that is cheap, asked as it is where it is not, nothing else touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import contradictions
from experiments.protocols import measure_protocols, train_under, with_groups
from experiments.run import run
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.metrics.flips import ANY
from fakenews.training.job import Job
from tests.explain.toys import planted_corpus

N = 240


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Path:
    """Return a training corpus with leakage and dates, and one other corpus of both classes."""
    folder = tmp_path_factory.mktemp("corpora")
    words, labels = planted_corpus(N)
    # The real ones carry a dateline, as in ISOT; two bodies of three also hold the deciding word.
    bodies = [w if i % 3 else " ".join(w.split()[:1] * 6) + f" number{i}" for i, w in enumerate(words)]
    texts = [f"WASHINGTON (Reuters) - {b}." if y else f"{b}." for b, y in zip(bodies, labels, strict=True)]
    days = [f"{2016 + (i % 4 == 0)}-0{1 + i % 9}-11" for i in range(N)]
    titles = [" ".join(w.split()[:9]) for w in words]
    frame = pd.DataFrame({"title": titles, "text": texts, "label": labels, "date": days, "group": np.arange(N)})
    frame["split"] = np.array(["train"] * 14 + ["validation"] * 3 + ["test"] * 3)[np.arange(N) // 2 % 20]
    frame.to_parquet(folder / "planted.parquet")
    other, truth = planted_corpus(60)
    pd.DataFrame({"title": "", "text": [f"Other {t}" for t in other], "label": truth}).to_parquet(
        folder / "fakes.parquet"
    )
    return folder


@pytest.fixture(scope="module")
def trained(corpora, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tfidf"
    run(Job("tfidf", corpora / "planted.parquet", folder, corpora=corpora))
    return folder


@pytest.fixture
def model(trained, tmp_path) -> model_folder.StoredModel:
    shutil.copytree(trained, tmp_path / "tfidf")
    return store.find(str(tmp_path / "tfidf"), tmp_path)


def test_all_protocols_of_a_recipe_that_is_fitted_in_seconds(model, corpora):
    before = read_evaluation(model.folder)
    weights = (model.folder / "model.skops").read_bytes()
    said: list[str] = []
    evidence = measure_protocols(model, None, corpora / "planted.parquet", corpora, log=said.append)
    assert list(evidence.protocols) == ["grouped", "external", "other", "one-corpus", "title-only", "time", "seed"]
    assert {n: r.weights for n, r in evidence.protocols.items() if r.weights == "own"}.keys() == {
        "one-corpus",
        "title-only",
        "time",
        "seed",
    }
    assert list(evidence.protocols["external"].corpora) == ["fakes/all"]
    assert list(evidence.protocols["other"].corpora) == ["demo/all"]
    assert evidence.corpora == before.corpora  # the model as it is was measured before, and is the same
    assert (model.folder / "model.skops").read_bytes() == weights
    assert evidence == read_evaluation(model.folder)
    assert contradictions(model.folder) == ()
    for name in ("title-only", "time", "seed"):
        training = evidence.protocols[name].training
        assert {"cleaning", "text", "rows", "minutes", "device", "calibration"} <= set(training)
    assert evidence.protocols["seed"].training["cleaning"] == "raw"
    assert evidence.protocols["title-only"].training["text"] == "title"
    assert "## Other protocols" in (model.folder / "README.md").read_text(encoding="utf-8")

    # What cleaning takes away: read raw, the dateline decides; read neutral, no edit of a dateline can.
    neutral, raw = (evidence.protocols[name].formatting for name in ("grouped", "seed"))
    assert neutral is not None and raw is not None
    assert raw.rate("add_dateline") > neutral.rate("add_dateline") == 0
    assert raw.edits[ANY].n_flipped > 0
    assert set(read_predictions(model.folder, ["time"])["split"]) == {"test", "validation"}


def test_one_protocol_leaves_the_others_as_they_are(model, corpora):
    before = json.loads((model.folder / "evaluation.json").read_text(encoding="utf-8"))
    measure_protocols(model, ["time"], corpora / "planted.parquet", corpora)
    after = json.loads((model.folder / "evaluation.json").read_text(encoding="utf-8"))
    assert "time" in after["protocols"]
    assert {k: v for k, v in after["protocols"].items() if k != "time"} == before["protocols"]


def test_a_transformer_answers_titles_as_it_is_and_the_rest_from_a_folder(classifiers, corpora, trained, tmp_path):
    folder = tmp_path / "tinybert"
    classifier = classifiers["tinybert"]
    before, classifier.info_ = classifier.info_, {"recipe": "tinybert", "seed": 42}
    classifier.save(folder)
    classifier.info_ = before
    for name in ("evaluation.json", "predictions.parquet"):
        shutil.copy(trained / name, folder)
    stored, table = store.find(str(folder), tmp_path), corpora / "planted.parquet"
    evidence = measure_protocols(stored, ["title-only"], table, corpora)
    assert evidence.protocols["title-only"].weights == "shipped"
    with pytest.raises(ValueError, match="tinybert cannot be fitted again in passing, as 'time' needs"):
        measure_protocols(stored, ["time"], table, corpora)
    with pytest.raises(ValueError, match="was not trained under 'time': run .* --protocol time --out"):
        measure_protocols(stored, ["time"], table, corpora, weights=folder)
    with pytest.raises(
        ValueError, match="exactly one protocol that has its own training: one-corpus, title-only, time, seed"
    ):
        measure_protocols(stored, ["grouped"], table, corpora, weights=folder)
    with pytest.raises(ValueError, match="--weights goes with exactly one protocol"):
        measure_protocols(stored, ["left-out"], table, corpora, weights=folder)


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "cleaning"), [("seed", "raw"), ("time", "neutral"), ("title-only", "neutral")])
def test_a_transformer_is_trained_for_a_protocol_and_measured_from_that_folder(
    protocol, cleaning, classifiers, corpora, bert_base, trained, tmp_path
):
    shipped, table = tmp_path / "tinybert", corpora / "planted.parquet"
    classifiers["tinybert"].save(shipped)
    for name in ("evaluation.json", "predictions.parquet"):
        shutil.copy(trained / name, shipped)
    model_folder.change_settings(shipped, recipe="tinybert", seed=42)
    own = tmp_path / "own"
    job = Job("tinybert", table, own, base=str(bert_base), max_steps=2)
    classifier = train_under(protocol, job)
    assert isinstance(classifier, TransformerClassifier)
    assert classifier.cleaning == cleaning
    again = TransformerClassifier.load(own)
    texts = ["WASHINGTON (Reuters) - A council met.", "A council met."]
    margins = again.decision_function(texts)
    np.testing.assert_allclose(margins, classifier.decision_function(texts), atol=1e-4)
    assert (margins[0] == pytest.approx(margins[1], abs=1e-6)) == (cleaning == "neutral")
    beginning = " ".join(planted_corpus(60)[0])
    short, long = again.decision_function([beginning, f"{beginning} {'met ' * 300}"])
    assert len(again.encode(beginning).weights) == (1 if protocol == "seed" else 2)
    assert (short == pytest.approx(long, abs=1e-6)) == (protocol == "seed")  # the notebooks read no further

    evidence = measure_protocols(store.find(str(shipped), tmp_path), [protocol], table, corpora, weights=own)
    result = evidence.protocols[protocol]
    assert result.weights == "own"
    assert result.training["cleaning"] == cleaning
    assert {"recipe", "base", "minutes", "device", "rows", "calibration"} <= set(result.training)
    assert "protocol" not in result.training
    other = "time" if protocol != "time" else "seed"
    with pytest.raises(ValueError, match=f"was not trained under '{other}'"):
        measure_protocols(store.find(str(shipped), tmp_path), [other], table, corpora, weights=own)


@pytest.mark.slow
def test_an_ensemble_asks_what_its_members_answered_under_the_protocol(of_style, trained, corpora, tmp_path):
    shutil.copytree(trained, tmp_path / "tfidf")
    table = corpora / "planted.parquet"
    for name in ("features", "ensemble"):
        run(Job(name, table, tmp_path / name))
    stored = {name: store.find(name, tmp_path) for name in ("tfidf", "features", "ensemble")}
    for name in ("time", "title-only"):
        measure_protocols(stored["tfidf"], [name], table, corpora)
    before = (tmp_path / "ensemble" / "model.json").read_bytes()
    with pytest.raises(ValueError, match="ensemble asks its members, not all .*under 'time': measure tfidf, features"):
        measure_protocols(stored["ensemble"], ["time"], table, corpora)
    with pytest.raises(ValueError, match="--weights is for models that are trained: ensemble asks its members"):
        measure_protocols(stored["ensemble"], ["time"], table, corpora, weights=tmp_path / "tfidf")
    measure_protocols(stored["features"], ["time"], table, corpora)
    said: list[str] = []
    evidence = measure_protocols(stored["ensemble"], None, table, corpora, log=said.append)
    assert "title-only: left out, not all of its members were measured under it" in said
    assert contradictions(tmp_path / "ensemble") == ()
    result, members = evidence.protocols["time"], [read_evaluation(s.folder).protocols["time"] for s in stored.values()]
    assert result.weights == "own"
    assert result.training["rows"] == members[0].training["rows"]
    assert {m.corpora["planted/test"].n for m in members} == {result.corpora["planted/test"].n}
    # Its own rows were answered by weights fitted without them; the others by weights of all of these.
    rows = read_predictions(tmp_path / "ensemble", ["time"])
    asked = [
        read_predictions(stored[n].folder, ["time"]).set_index("id").loc[rows["id"]] for n in ("tfidf", "features")
    ]
    margins, test = np.stack([a["log_odds"] for a in asked], axis=1), (rows["split"] == "test").to_numpy()
    slopes, *_ = np.linalg.lstsq(margins[test], rows.loc[test, "log_odds"], rcond=None)
    assert (slopes >= -1e-9).all()
    assert slopes.sum() > 0
    assert not np.allclose(margins[~test] @ slopes, rows.loc[~test, "log_odds"], rtol=1e-3)
    assert (tmp_path / "ensemble" / "model.json").read_bytes() == before


@pytest.mark.parametrize("protocol", ["grouped", "left-out", "external", "nothing"])
def test_what_has_no_training_of_its_own_is_not_trained_for(protocol, corpora, tmp_path):
    with pytest.raises(ValueError, match="has no training of its own|Unknown protocol"):
        train_under(protocol, Job("tfidf", corpora / "planted.parquet", tmp_path / "own"))
    assert not (tmp_path / "own").exists()


def test_one_corpus_has_none_to_leave_out(corpora, tmp_path):
    with pytest.raises(
        ValueError, match="The protocol 'seed' is about one corpus, there is none to leave out: got 'x'"
    ):
        train_under("seed", Job("tfidf", corpora / "planted.parquet", tmp_path / "own", leave_out="x"))


def test_without_corpora_there_is_no_external_evidence(model, corpora):
    with pytest.raises(ValueError, match="Nothing was measured"):
        measure_protocols(model, ["external"], corpora / "planted.parquet", None)


def test_groups_and_split_are_computed_only_where_they_are_missing():
    frame = pd.DataFrame({"text": list("abc"), "label": [0, 1, 0], "split": ["train", "test", "validation"]})
    assert with_groups(frame, needed=False) is frame
    assert with_groups(frame, needed=True)["group"].tolist() == [0, 1, 2]
