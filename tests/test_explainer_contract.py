"""What every explainer keeps for every classifier it supports."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.base import Cancelled, WordExplainer
from fakenews.explain.registry import EXPLAINERS, get, library_of, methods_for
from fakenews.schema import Explanation
from tests.explain import toys
from tests.explain.toys import FAKE_WORD, REAL_WORD

LINEAR = ("tfidf", "word2vec")
OWN = tuple(f"own-{kind}" for kind in toys.OWN_KINDS)
METHODS = {
    **dict.fromkeys(LINEAR, ("linear", "gradient", "lime", "shap")),
    **dict.fromkeys(("toy-bert", "mpnet", "cnn", *OWN), ("gradient", "lime", "shap")),
    **dict.fromkeys(("features", "ensemble"), ("lime", "shap")),
}
LIBRARIES = {"shap-library": 100, "lime-library": 200}  # samples, of which the defaults take long
PAIRS = [(method, model) for model, methods in METHODS.items() for method in methods]
PAIRS += [(method, model) for method in LIBRARIES for model in ("tfidf", "toy-bert", "ensemble")]
SAMPLED = [pair for pair in PAIRS if EXPLAINERS[pair[0]].samples_name]
BATCHED = [(method, model) for method, model in SAMPLED if (method, model) not in {("gradient", m) for m in LINEAR}]
# Of the planted words only one changes the style of a sentence, so only it can move the style features.
PLANTED = [
    (method, model, word, sign)
    for method, model in PAIRS
    for word, sign in ((FAKE_WORD, 1), (REAL_WORD, -1))
    if (model, word) != ("features", FAKE_WORD)
]

SENTENCE = "The mayor said {} will report on a new road budget today"
# Dateline and credit go, the clitic goes, quotes and line ends change; the words stay where the user typed them.
TYPESET = (
    "WASHINGTON (Reuters) \u2014 \u201cThe \U0001f98e\u2028lizard\u201d\r\n\r\nsaid the mayor\u2019s plan "
    "couldn\u2019t fail\u2026 \U0001f600 today: $1,000 for U.S.-led AT&amp;T. Photo by Ann Lee/Getty Images"
)
ODD_TEXTS = {
    "empty": "",
    "spaces": " \r\n\t ",
    "only removed": "WASHINGTON (Reuters) -",
    "one word": "lizard",
    "Chinese": "市长今天公布了新的道路预算",
    "right to left": "قال رئيس البلدية اليوم إن الميزانية جديدة",
    "script": "<script>alert(document.cookie)</script> <img src=x onerror=alert(1)> lizard said",
    "tokens": "[MASK] [CLS] UNKWORDZ - 0 1 2 ## <unk> lizard",
    "NUL and surrogate": "liz\x00ard \ud83d said \ufeff the mayor",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 lizard \U0001f1e9\U0001f1ea",
    "several windows": "the mayor said lizard on road. " * 20,
}


@pytest.fixture(scope="module")
def classifiers() -> dict[str, TextClassifier]:
    members = {"tfidf": toys.small_tfidf(), "word2vec": toys.small_word2vec(), "cnn": toys.small_cnn()}
    return {
        **members,
        "toy-bert": toys.small_bert(),
        "mpnet": toys.small_mpnet(),
        **{f"own-{kind}": toys.small_own(kind) for kind in toys.OWN_KINDS},
        "features": toys.small_features(),
        "ensemble": toys.small_ensemble(members),
    }


def top_word(explanation: Explanation) -> tuple[str, float]:
    """Return the word of largest weight, by size."""
    top = max(explanation.attributions, key=lambda a: abs(a.weight))
    return explanation.text[top.start : top.end], top.weight


def weights(explanation: Explanation) -> list[float]:
    return [a.weight for a in explanation.attributions]


def test_the_list_of_methods_is_what_the_classifiers_support(classifiers):
    assert {model: methods_for(classifier) for model, classifier in classifiers.items()} == METHODS
    for model, classifier in classifiers.items():
        assert methods_for(classifier, with_libraries=True) == (*METHODS[model], *LIBRARIES)


def test_ours_are_checked_with_the_stock_packages_by_name():
    assert {method: library_of(method) for method in ("shap", "lime", "linear", "shap-library")} == {
        "shap": "shap-library",
        "lime": "lime-library",
        "linear": None,
        "shap-library": None,
    }


@pytest.mark.parametrize(("method", "model", "word", "sign"), PLANTED)
def test_the_planted_word_comes_first_with_its_sign(classifiers, method, model, word, sign):
    n_samples = 8 if method == "gradient" else LIBRARIES.get(method)  # its one step by default is a preview
    explanation = get(method).load().explain(SENTENCE.format(word), classifiers[model], n_samples=n_samples)
    word_found, weight = top_word(explanation)
    assert word_found == word
    assert weight * sign > 0


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_for_the_real_class_every_sign_turns(classifiers, method, model):
    explainer, text = get(method).load(), SENTENCE.format(FAKE_WORD)
    n_samples = LIBRARIES.get(method)
    fake = explainer.explain(text, classifiers[model], n_samples=n_samples)
    real = explainer.explain(text, classifiers[model], target="real", n_samples=n_samples)
    assert (fake.target, real.target) == ("fake", "real")
    assert weights(real) == [-w for w in weights(fake)]
    assert (real.base_value, real.log_odds) == (-fake.base_value, -fake.log_odds)


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_weights_and_base_sum_to_the_log_odds_or_the_fit_is_graded(classifiers, method, model):
    classifier = classifiers[model]
    text = SENTENCE.format(FAKE_WORD)
    found = (
        get(method).load().explain(text, classifier, n_samples=32 if method == "gradient" else LIBRARIES.get(method))
    )
    assert found.unit == "log-odds"
    assert found.log_odds == pytest.approx(classifier.decision_function([text])[0], abs=1e-4)
    if method in ("lime", "lime-library"):
        assert found.residual is None
        assert 0 < found.fidelity <= 1
    else:
        assert found.fidelity is None
        assert found.residual == pytest.approx(found.log_odds - found.base_value - sum(weights(found)), abs=1e-9)
        exact = method != "gradient" or model in LINEAR
        assert abs(found.residual) < (1e-6 if exact else 0.01 * abs(found.log_odds - found.base_value))


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_a_log_odds_that_is_known_is_not_asked_for(classifiers, method, model, monkeypatch):
    classifier, text = classifiers[model], SENTENCE.format(FAKE_WORD)
    n_samples = 60 if (method, model) in SAMPLED else None
    known = float(classifier.decision_function([text])[0])
    asked = get(method).load().explain(text, classifier, n_samples=n_samples)
    real = classifier.masked_log_odds

    def without_the_whole(text, keep):
        assert not np.atleast_2d(keep).all(axis=1).any()
        return real(text, keep)

    monkeypatch.setattr(classifier, "masked_log_odds", without_the_whole)
    monkeypatch.delattr(type(classifier), "decision_function")
    told = get(method).load().explain(text, classifier, n_samples=n_samples, log_odds=known)
    assert told.log_odds == known
    np.testing.assert_allclose(weights(told), weights(asked), atol=1e-4)


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_the_same_seed_gives_the_same_explanation(classifiers, method, model):
    explainer, text = get(method).load(), SENTENCE.format(FAKE_WORD)
    first, again = (
        explainer.explain(text, classifiers[model], seed=7, n_samples=LIBRARIES.get(method)) for _ in range(2)
    )
    assert weights(first) == weights(again)
    assert first.base_value == again.base_value
    assert first.seed == 7


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_highlights_lie_on_the_words_the_user_typed(classifiers, method, model):
    found = get(method).load().explain(TYPESET, classifiers[model], n_samples=LIBRARIES.get(method))
    words = [TYPESET[a.start : a.end] for a in found.attributions]
    expected = "The lizard said the mayor\u2019s plan couldn\u2019t fail today $1,000 for U.S.-led AT&amp;T"
    assert words == expected.split()
    assert model == "features" or found.attributions[1].weight > 0


@pytest.mark.parametrize(("method", "model"), PAIRS)
@pytest.mark.parametrize("kind", ODD_TEXTS)
def test_odd_texts_are_explained_word_by_word_or_not_at_all(classifiers, method, model, kind):
    text = ODD_TEXTS[kind]
    found = get(method).load().explain(text, classifiers[model], n_samples=LIBRARIES.get(method))
    assert [(a.start, a.end) for a in found.attributions] == [(s.start, s.end) for s in clean_text(text).source_spans]
    assert np.isfinite([found.base_value, found.log_odds, *weights(found)]).all()
    if not found.attributions:
        assert (found.residual, found.base_value) == (0.0, found.log_odds)


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_progress_rises_to_one(classifiers, method, model):
    heard: list[float] = []
    text, n_samples = SENTENCE.format(FAKE_WORD), LIBRARIES.get(method)
    get(method).load().explain(text, classifiers[model], progress=heard.append, n_samples=n_samples)
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(("method", "model"), BATCHED)
def test_cancel_stops_after_the_batch_that_was_running(classifiers, method, model, monkeypatch):
    classifier = classifiers[model]
    batches = []

    def counting(real):
        def counted(*args, **options):
            batches.append(1)
            return real(*args, **options)

        return counted

    def cancel_at_second_batch(share):
        if len(batches) == 2:
            raise Cancelled

    for asked in ("masked_log_odds", *(["log_odds_from_embeddings"] if method == "gradient" else [])):
        monkeypatch.setattr(classifier, asked, counting(getattr(classifier, asked)))
    text = " ".join([SENTENCE.format(FAKE_WORD)] * 8)
    with pytest.raises(Cancelled):
        get(method).load().explain(text, classifier, progress=cancel_at_second_batch, n_samples=LIBRARIES.get(method))
    assert len(batches) == 2


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_cancel_is_heard_before_anything_is_computed(classifiers, method, model):
    def cancel(share):
        raise Cancelled

    with pytest.raises(Cancelled):
        get(method).load().explain("the mayor", classifiers[model], progress=cancel)


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_wrong_requests_are_refused_with_what_is_allowed(classifiers, method, model):
    explainer, classifier = get(method).load(), classifiers[model]
    with pytest.raises(TypeError, match="Expected one text as str, got list"):
        explainer.explain(["the mayor"], classifier)
    with pytest.raises(ValueError, match=r"Unknown target 'true'\. Known: fake, real\."):
        explainer.explain("the mayor", classifier, target="true")
    for seed in (-1, 2**32, 1.5, None):
        with pytest.raises(ValueError, match="whole number from 0 to 4294967295"):
            explainer.explain("the mayor", classifier, seed=seed)
    with pytest.raises(ValueError, match=f"{method} cannot explain"):
        explainer.explain("the mayor", object())


@pytest.mark.parametrize(("method", "model"), SAMPLED)
def test_numbers_of_samples_out_of_range_are_refused(classifiers, method, model):
    spec = get(method)
    for wrong in (spec.min_samples - 1, spec.max_samples + 1, 0, -5, 30.0, "30", True):
        with pytest.raises(ValueError, match=f"{spec.samples_name} from {spec.min_samples} to {spec.max_samples}"):
            spec.load().explain("the mayor", classifiers[model], n_samples=wrong)


@pytest.mark.parametrize(("method", "model"), PAIRS)
def test_the_result_survives_json(classifiers, method, model):
    found = get(method).load().explain(TYPESET, classifiers[model], n_samples=LIBRARIES.get(method))
    assert Explanation.from_dict(json.loads(json.dumps(found.to_dict())), TYPESET) == found
    assert (found.explainer, found.classifier) == (method, model)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_every_registered_explainer_keeps_the_protocol(method):
    spec = get(method)
    explainer = spec.load()
    assert isinstance(explainer, WordExplainer)
    assert explainer.name == spec.name == method
    assert spec.description.endswith(".")
    assert not explainer.supports(object())


def test_the_registry_loads_no_heavy_library():
    code = "import sys, fakenews.explain.registry, fakenews.engine.cache; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"torch", "transformers", "shap", "lime", "captum", "numba", "sklearn", "pandas", "matplotlib"}
    assert not heavy & set(loaded)
