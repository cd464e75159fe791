"""What every classifier in the registry keeps, whatever it is made of."""

from __future__ import annotations

import json
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit

from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import (
    P_MAX,
    P_MIN,
    SLOPES,
    Calibration,
    NotFittedError,
    Scores,
    TextClassifier,
    clean_text,
    fit_calibration,
    probabilities,
)
from fakenews.classifiers.checks import check_labels
from fakenews.classifiers.registry import CLASSIFIERS, ClassifierSpec, get, of_folder
from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.classifiers.transformer import SETTINGS_KEY, TransformerClassifier
from fakenews.classifiers.windows import window_spans
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.text import CLEANING, CLEANING_VERSION
from tests.explain.toys import FAKE_WORD, OWN_KINDS, REAL_WORD, planted_corpus

TRANSFORMERS = ("tinybert", "distilbert")  # with a head
OWN = tuple(f"own-{kind}" for kind in OWN_KINDS)  # as `fakenews add` makes them
ENCODERS = (*TRANSFORMERS, "mpnet", *OWN)
SENTENCE = "The mayor said {} will report on a new road budget today."
# Of very different lengths, so that a batch of them is padded.
TEXTS = [
    SENTENCE.format(FAKE_WORD),
    "",
    "treasury",
    " ".join([SENTENCE.format(REAL_WORD)] * 12),
    "WASHINGTON (Reuters) \u2014 \u201cThe lizard\u2019s plan\u201d couldn\u2019t fail\u2026",
    SENTENCE.format(REAL_WORD),
]
ODD_TEXTS = {
    "empty": "",
    "spaces": " \r\n\t\u2028",
    "only removed": "WASHINGTON (Reuters) -",
    "one word": "lizard",
    "20,000 characters": "The mayor said lizard on road.\n" * 645,
    "one long word": "lizard" * 3000,
    "Chinese": "市长今天公布了新的道路预算",
    "right to left": "قال رئيس البلدية اليوم إن الميزانية جديدة",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 lizard \U0001f1e9\U0001f1ea",
    "NUL": "liz\x00ard\x00 said",
    "surrogates": "\ud83d lizard \udc00 said \ud800",
    "special tokens": "[MASK] [CLS] [PAD] [SEP] lizard",
    "script": "<script>alert(1)</script> <img src=x onerror=alert(1)> lizard said",
}

every_classifier = pytest.mark.parametrize("name", [*CLASSIFIERS, *OWN])
every_encoder = pytest.mark.parametrize("name", ENCODERS)
every_transformer = pytest.mark.parametrize("name", TRANSFORMERS)


@pytest.fixture(scope="module")
def saved(classifiers: dict[str, TextClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder like `models/` that holds them all."""
    folder = tmp_path_factory.mktemp("models")
    for name, classifier in classifiers.items():
        classifier.save(folder / name)
    return folder


def spec(saved: Path, name: str) -> ClassifierSpec:
    """What the registry says of a model in a folder of models."""
    return of_folder(store.find(name, saved))


@every_classifier
def test_is_what_the_registry_says(classifiers, saved, name):
    assert isinstance(classifiers[name], TextClassifier)
    assert classifiers[name].name == name == spec(saved, name).name


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="Unknown model 'tinybird'. Known: tinybert, tfidf, distilbert"):
        get("tinybird")


@every_classifier
def test_probabilities_have_shape_type_sum_and_bounds(classifiers, name):
    proba = classifiers[name].predict_proba(TEXTS)
    assert proba.shape == (len(TEXTS), 2)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-12)
    assert proba.min() >= P_MIN - 1e-12
    assert proba.max() <= P_MAX + 1e-12


@every_classifier
def test_no_texts_give_no_rows(classifiers, name):
    assert classifiers[name].predict_proba([]).shape == (0, 2)
    assert classifiers[name].decision_function([]).shape == (0,)
    assert [part.shape for part in classifiers[name].predict_scores([])] == [(0,), (0,)]


@every_classifier
def test_a_bare_string_is_refused(classifiers, name):
    for ask in (classifiers[name].predict_proba, classifiers[name].decision_function):
        with pytest.raises(TypeError, match="put it in a list"):
            ask("one text")
        with pytest.raises(TypeError, match="got NoneType at position 1"):
            ask(["a text", None])


@every_classifier
def test_one_by_one_equals_a_batch_and_keeps_the_order(classifiers, name):
    alone = np.concatenate([classifiers[name].decision_function([text]) for text in TEXTS])
    np.testing.assert_allclose(classifiers[name].decision_function(TEXTS), alone, atol=1e-5)
    np.testing.assert_allclose(classifiers[name].decision_function(TEXTS[::-1]), alone[::-1], atol=1e-5)
    assert len(np.unique(alone.round(3))) >= 4  # or the order would prove nothing


@every_classifier
def test_the_same_question_has_the_same_answer(classifiers, name):
    np.testing.assert_array_equal(classifiers[name].predict_proba(TEXTS), classifiers[name].predict_proba(TEXTS))


@every_classifier
@pytest.mark.parametrize("kind", ODD_TEXTS)
def test_any_text_gets_a_finite_answer(classifiers, name, kind):
    classifier, text = classifiers[name], ODD_TEXTS[kind]
    assert np.isfinite(classifier.decision_function([text])).all()
    assert np.isfinite(classifier.predict_proba([text])).all()


@every_classifier
def test_columns_are_the_right_way_round(classifiers, name):
    classifier = classifiers[name]
    texts, labels = planted_corpus()
    assert (classifier.predict_proba(texts).argmax(axis=1) == labels).mean() > 0.95
    fake, real = classifier.decision_function([SENTENCE.format(FAKE_WORD), SENTENCE.format(REAL_WORD)])
    assert real < 0 < fake


@every_classifier
def test_calibrated_scores_are_the_first_column(classifiers, name):
    classifier = classifiers[name]
    scores = classifier.predict_scores(TEXTS)
    assert scores.log_odds.shape == scores.in_domain.shape == (len(TEXTS),)
    assert ((scores.in_domain >= 0) & (scores.in_domain <= 1)).all()
    np.testing.assert_allclose(scores.log_odds, classifier.decision_function(TEXTS), atol=1e-9)
    np.testing.assert_array_equal(classifier.calibrated(scores), classifier.predict_proba(TEXTS)[:, FAKE])


@every_classifier
@pytest.mark.parametrize("text", TEXTS)
def test_nothing_masked_is_the_text_itself(classifiers, name, text):
    keep = np.ones((2, len(clean_text(text).words)), dtype=bool)
    expected = np.repeat(classifiers[name].decision_function([text]), 2)
    np.testing.assert_allclose(classifiers[name].masked_log_odds(text, keep), expected, atol=1e-5)


@every_classifier
def test_masking_the_planted_word_takes_its_evidence_away(classifiers, name):
    margins = []
    for word in (FAKE_WORD, REAL_WORD):
        text = SENTENCE.format(word)
        words = [text[s.start : s.end] for s in clean_text(text).source_spans]
        keep = np.ones((2, len(words)), dtype=bool)
        keep[1, words.index(word)] = False
        margins.append(classifiers[name].masked_log_odds(text, keep))
    whole, masked = np.abs(margins[0] - margins[1])  # the sentences differ in that word alone
    assert masked < 0.8 * whole


def test_tfidf_leaves_masked_words_out(classifiers):
    keep = np.ones((1, len(clean_text(SENTENCE).words)), dtype=bool)
    keep[0, [1, 4]] = False  # "mayor", "report"
    expected = classifiers["tfidf"].decision_function(["The said {} will on a new road budget today."])
    np.testing.assert_allclose(classifiers["tfidf"].masked_log_odds(SENTENCE, keep), expected, atol=1e-9)


@every_encoder
def test_transformers_put_the_mask_in_the_place_of_every_piece(classifiers, name):
    import torch

    classifier, text = classifiers[name], SENTENCE.format(REAL_WORD)
    word = text.lower().split().index(REAL_WORD)
    windows = classifier.encode(text)
    pieces = windows.word_index == word
    assert int(pieces.sum()) == 2 or name in OWN
    ids = windows.input_ids.masked_fill(pieces, classifier.mask_token_id)
    with torch.no_grad():
        margin = classifier.log_odds_from_embeddings(classifier.embed(ids), windows.attention_mask)
        if classifier.has_head:
            fake, real = classifier.model(input_ids=ids, attention_mask=windows.attention_mask).logits[0].tolist()
            assert margin[0].item() == pytest.approx(fake - real, abs=1e-5)
    keep = np.ones((1, len(clean_text(text).words)), dtype=bool)
    keep[0, word] = False
    assert classifier.masked_log_odds(text, keep)[0] == pytest.approx(margin[0].item(), abs=1e-5)


@every_classifier
def test_saved_and_loaded_it_gives_the_same_numbers(classifiers, saved, name):
    stored = store.find(name, saved)
    loaded = store.load(stored)
    assert (stored.name, loaded.name) == (name, name)
    np.testing.assert_array_equal(loaded.decision_function(TEXTS), classifiers[name].decision_function(TEXTS))
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), classifiers[name].predict_proba(TEXTS))
    assert loaded.info_ == classifiers[name].info_


@every_classifier
def test_facts_of_the_training_travel_along(classifiers, saved, name):
    classifier, folder = classifiers[name], saved / f"{name}-again"  # beside the others, where an ensemble finds them
    before = classifier.info_
    classifier.info_ = {"recipe": "planted", "seed": 7}
    try:
        classifier.save(folder)
    finally:
        classifier.info_ = before
    assert spec(saved, name).load(folder, "cpu").info_ == {"recipe": "planted", "seed": 7}
    assert model_folder.settings(folder)["cleaning"] == {"name": CLEANING, "version": CLEANING_VERSION}
    assert model_folder.settings(folder)["labels"] == list(LABELS)


@every_classifier
def test_weights_of_another_cleaning_are_refused(saved, name, tmp_path):
    for file in (saved / name).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config.get(SETTINGS_KEY, config)["cleaning"]["version"] += 1
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="was trained on cleaning"):
        spec(saved, name).load(tmp_path, "cpu")


def test_weights_are_the_only_kind_of_file_that_is_no_text(saved):
    kinds = {file.suffix for file in saved.rglob("*") if file.is_file()}
    assert kinds <= {".json", ".txt", ".safetensors", ".skops"}


def test_store_tells_apart_what_is_here_and_what_is_not(saved, tmp_path):
    assert store.shipped(saved) == tuple(CLASSIFIERS)
    assert store.added(saved) == tuple(sorted(OWN)) and store.added(tmp_path / "nowhere") == ()
    assert store.shipped(tmp_path) == ()
    assert store.find(str(saved / "tfidf"), tmp_path).revision == store.find("tfidf", saved).revision
    with pytest.raises(model_folder.ModelNotHere, match="fakenews train tinybert"):
        store.find("tinybert", tmp_path)
    with pytest.raises(ValueError, match="Unknown model 'nobody'"):
        store.find("nobody", saved)


def test_before_fit_tfidf_says_so(tmp_path):
    unfitted = TfidfClassifier()
    for ask in (unfitted.predict_proba, unfitted.decision_function, unfitted.known_share, unfitted.linear_terms):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(["a text"] if ask in (unfitted.predict_proba, unfitted.decision_function) else "a text")
    with pytest.raises(NotFittedError, match="fit or load"):
        unfitted.predict_proba([])
    with pytest.raises(NotFittedError, match="fit or load"):
        unfitted.save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_bare_checkpoint_is_not_a_fitted_transformer(bert_base):
    with pytest.raises(NotFittedError, match="train or fetch the model first"):
        TransformerClassifier.load(bert_base)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["a", "b"], [0], "one label per text"),
        (["a", "b"], [0, 0], "both present"),
        (["a", "b"], [1, 2], "Labels must be 0"),
        ([], [], "both present"),
    ],
)
def test_wrong_labels_are_refused(texts, labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(texts, labels)
    with pytest.raises(ValueError, match=message):
        TfidfClassifier(min_df=1).fit(texts, labels)


@pytest.mark.parametrize("text", [*TEXTS, ODD_TEXTS["20,000 characters"]])
def test_linear_terms_and_intercept_sum_to_the_log_odds(classifiers, text):
    terms, intercept = classifiers["tfidf"].linear_terms(text)
    assert terms.shape == (len(clean_text(text).words),)
    assert intercept + terms.sum() == pytest.approx(classifiers["tfidf"].decision_function([text])[0], abs=1e-6)


def test_known_share_counts_words_of_the_vocabulary(classifiers):
    assert classifiers["tfidf"].known_share("lizard treasury qwertz asdfgh") == 0.5
    assert classifiers["tfidf"].known_share("") == 0.0


def test_a_tampered_skops_file_is_refused(saved, tmp_path):
    from skops.io.exceptions import UntrustedTypesFoundException

    (tmp_path / "config.json").write_bytes((saved / "tfidf" / "config.json").read_bytes())
    with zipfile.ZipFile(saved / "tfidf" / "model.skops") as source:
        parts = {entry: source.read(entry) for entry in source.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["content"]["regression"].update(__module__="subprocess", __class__="Popen")
    parts["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as target:
        for entry, data in parts.items():
            target.writestr(entry, data)
    with pytest.raises(UntrustedTypesFoundException, match="subprocess.Popen"):
        TfidfClassifier.load(tmp_path)


@every_transformer
def test_the_order_of_a_checkpoints_labels_is_honoured(classifiers, name, tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification

    ours = classifiers[name]
    ours.save(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.float32)
    model.config.id2label = {0: "real", 1: "FAKE"}
    model.config.label2id = {"real": 0, "FAKE": 1}
    with torch.no_grad():
        model.classifier.weight.copy_(model.classifier.weight.flip(0))
        model.classifier.bias.copy_(model.classifier.bias.flip(0))
    turned = TransformerClassifier(name, model, ours.tokenizer, ours.max_length, ours.overlap)
    np.testing.assert_allclose(turned.decision_function(TEXTS), ours.decision_function(TEXTS), atol=1e-6)
    turned.save(tmp_path / "turned")
    loaded = TransformerClassifier.load(tmp_path / "turned")
    np.testing.assert_array_equal(loaded.decision_function(TEXTS), turned.decision_function(TEXTS))


@pytest.mark.parametrize(
    "names", [{0: "LABEL_0", 1: "LABEL_1"}, {0: "fake", 1: "fake"}, {0: "fake", 1: "real", 2: "x"}]
)
def test_labels_of_another_task_are_refused(classifiers, names):
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, id2label=names)
    with pytest.raises(ValueError, match="expected \\['fake', 'real'\\]"):
        TransformerClassifier("other", BertForSequenceClassification(config), classifiers["tinybert"].tokenizer)


@every_encoder
def test_a_long_text_is_read_to_its_end(classifiers, name):
    filling = "the city said people on new plan for the road. " * 40
    fake, real = classifiers[name].decision_function([f"{filling} {FAKE_WORD}", f"{filling} {REAL_WORD}"])
    windows = classifiers[name].encode(f"{filling} {FAKE_WORD}")
    assert len(windows.weights) > 5
    assert fake > real


@every_encoder
def test_every_word_owns_word_pieces_of_some_window(classifiers, name):
    text = TEXTS[3]
    windows = classifiers[name].encode(text)
    owners = set(windows.word_index.flatten().tolist()) - {-1}
    assert owners == set(range(len(clean_text(text).words)))
    assert float(windows.weights.sum()) == pytest.approx(1.0)
    assert windows.input_ids.shape == windows.attention_mask.shape == windows.word_index.shape


@given(st.integers(0, 3000), st.integers(1, 510), st.integers(0, 509))
def test_windows_cover_all_pieces_with_the_overlap_and_no_more_than_needed(n_pieces, room, overlap):
    assume(overlap < room)
    spans = window_spans(n_pieces, room, overlap)
    assert spans[0][0] == 0
    assert spans[-1][1] == n_pieces
    assert all(end - start == room for start, end in spans[:-1])
    assert 0 <= spans[-1][1] - spans[-1][0] <= room
    assert all(before[1] - after[0] == overlap for before, after in pairwise(spans))
    assert len(spans) == max(1, -(-(n_pieces - overlap) // (room - overlap)))


@pytest.mark.parametrize(("room", "overlap"), [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_windows_that_cannot_advance_are_refused(room, overlap):
    with pytest.raises(ValueError, match="overlap must lie between 0 and"):
        window_spans(100, room, overlap)


@given(st.lists(st.floats(-1e6, 1e6), max_size=5), st.floats(0.05, 20), st.floats(0, 20), st.floats(0, 1))
def test_probabilities_follow_the_log_odds(log_odds, slope, slope_in_domain, in_domain):
    scores = Scores(np.array(sorted(log_odds)), np.full(len(log_odds), in_domain))
    proba = probabilities(scores, Calibration(slope, 0.5, slope_in_domain, -1.0))
    assert proba.shape == (len(log_odds), 2)
    assert ((proba >= P_MIN - 1e-12) & (proba <= P_MAX + 1e-12)).all()
    assert (np.diff(proba[:, FAKE]) >= 0).all()


def test_half_is_half_whatever_the_slope():
    np.testing.assert_array_equal(probabilities(Scores.out_of_domain(np.zeros(1)), Calibration(0.3)), [[0.5, 0.5]])


def drawn(calibration: Calibration, scores: Scores) -> np.ndarray:
    """Labels drawn with the probabilities that a calibration gives."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(len(scores.log_odds)) < expit(calibration.logits(scores)), FAKE, REAL)


@pytest.mark.parametrize(
    "planted", [Calibration(2.0, 0.0, 0.0, 0.0), Calibration(0.25, 0.5, 0.8, -1.0), Calibration(0.6, -1.0, 0.2, 0.6)]
)
def test_the_calibration_of_drawn_labels_is_found(planted):
    rng = np.random.default_rng(1)
    scores = Scores(rng.normal(0, 3, 60_000), rng.random(60_000))
    found = fit_calibration(scores, drawn(planted, scores))
    assert found == pytest.approx(planted, abs=0.25)  # of which the ridge takes up to 0.2
    assert found.slope == pytest.approx(planted.slope, rel=0.1)


def test_without_a_measure_of_in_domain_calibration_is_plain_platt():
    scores = Scores.out_of_domain(np.random.default_rng(1).normal(0, 3, 20_000))
    found = fit_calibration(scores, drawn(Calibration(0.5, -1.0), scores))
    assert found[2:] == (0.0, 0.0)
    assert found[:2] == pytest.approx((0.5, -1.0), abs=0.1)


def test_a_constant_measure_of_in_domain_changes_no_probability():
    log_odds = np.random.default_rng(1).normal(0, 3, 5_000)
    labels = drawn(Calibration(0.5, -1.0), Scores.out_of_domain(log_odds))
    found = [Scores(log_odds, np.full(len(log_odds), d)) for d in (0.0, 1.0)]
    zeros, ones = (probabilities(scores, fit_calibration(scores, labels)) for scores in found)
    np.testing.assert_allclose(zeros, ones, atol=2e-3)


def test_a_calibration_never_turns_the_log_odds_round():
    rng = np.random.default_rng(0)
    scores = Scores(rng.normal(0, 2, 500), rng.random(500))
    against = np.where(scores.log_odds > 0, REAL, FAKE)
    found = fit_calibration(scores, against)
    assert found.slope == pytest.approx(SLOPES[0]) and found.slope_in_domain >= 0.0


def test_calibration_hears_the_weights():
    scores = Scores.out_of_domain(np.array([-1.0, 1.0, -1.0, 1.0]))
    labels = np.array([REAL, FAKE, FAKE, REAL])  # two say the log-odds are right, two that they are wrong
    right = fit_calibration(scores, labels, np.array([9.0, 9.0, 1.0, 1.0]))
    first_two = Scores.out_of_domain(scores.log_odds[:2])
    assert probabilities(first_two, right)[:, FAKE] == pytest.approx([0.1, 0.9], abs=1e-3)


def test_models_from_before_there_was_one_calibration_are_read():
    old = {"home": {"temperature": 4.0, "shift": 0.5}, "elsewhere": {"temperature": 20.0, "shift": -3.0}}
    assert Calibration.from_dict(old) == Calibration(0.25, 0.5)
    new = Calibration(1.5, -0.5, 0.25, 2.0)
    assert Calibration.from_dict({"method": "Platt", **new.to_dict(), "fitted_on": "isot/validation"}) == new
