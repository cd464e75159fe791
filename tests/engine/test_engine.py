"""The engine behind page, API and commands, with small models in a folder like `models/`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.neighbors import fit_neighbors
from fakenews.classifiers import store
from fakenews.classifiers.base import Calibration, TextClassifier
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.config import Settings
from fakenews.data.base import TextNotHere
from fakenews.data.table import as_table
from fakenews.engine import Engine
from fakenews.engine.errors import EmptyText, InputError
from fakenews.engine.tokens import Token
from fakenews.engine.values import Analysis, ExplanationRequest
from fakenews.engine.watch import Update, watch
from fakenews.evidence.reliability import Reliability, share_like_this
from fakenews.explain.base import Cancelled, Refinement
from fakenews.formatting import EDITS
from fakenews.schema import Explanation
from fakenews.similar.track_record import WRONG, TrackRecord
from fakenews.ui.render_verdicts import verdicts
from fakenews.verdict import share_sentence
from tests.explain.toys import FAKE_WORD, planted_corpus, remember

ARTICLE = " ".join(t for t, label in zip(*planted_corpus(20), strict=True) if label == 0)
LEARNT, HELD_OUT, OTHER = "A plan\nthat was learnt.", "A plan that was held out.", "A plan of nobody's."
SHORT = f"The mayor said {FAKE_WORD} will report today."
NO_NEWS = "Fold gently whipped egg whites into melted chocolate, then chill every bowl overnight before serving. " * 4
CHINESE = "市长今天 公布了 新的 道路预算 " * 15


@pytest.fixture(scope="module")
def models(classifiers: dict[str, TextClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("distilbert", "tfidf", "tinybert"):
        # TF-IDF measures for itself, TinyBERT too; DistilBERT has not been asked and is spoken for by TF-IDF.
        threshold = {"tfidf": 0.8, "tinybert": 1.9}.get(name)
        before, classifiers[name].info_ = (
            classifiers[name].info_,
            {"novelty": {"threshold": threshold}} if threshold else {},
        )
        if name == "tinybert":
            classifiers[name].fit_ood(planted_corpus(20)[0])
        classifiers[name].save(folder / name)
        classifiers[name].info_ = before
    return folder


@pytest.fixture(scope="module")
def engine(models: Path) -> Engine:
    return Engine.open(Settings(models=models, device="cpu"))


def test_the_default_models_come_first(engine):
    assert engine.pool.models == ("tinybert", "tfidf", "distilbert")
    assert engine.pool.side_by_side == engine.pool.defaults == ("tinybert", "tfidf")
    wanted = replace(engine.settings, model_list=("distilbert", "tfidf"))
    assert Engine.open(wanted).pool.side_by_side == ("distilbert", "tfidf")
    assert Engine.open(wanted).pool.models == ("distilbert", "tfidf", "tinybert")
    assert [engine.pool.title(m) for m in engine.pool.models] == ["TinyBERT", "TF-IDF", "DistilBERT"]


def test_a_method_that_a_model_lacks_is_refused_with_those_it_has(engine):
    with pytest.raises(InputError, match="linear cannot explain 'tinybert'; these can: gradient, lime, shap"):
        engine.explainers.explain(ExplanationRequest(engine.judge.check("", ARTICLE), "tinybert", "linear"))


def test_without_models_there_is_nothing_to_ask(tmp_path):
    empty = Engine.open(Settings(models=tmp_path, device="cpu"))
    assert empty.pool.models == ()
    with pytest.raises(InputError, match="fakenews train tfidf"):
        empty.judge.analyse(ARTICLE, ["tfidf"])


def test_an_article_is_judged_by_the_two_default_models(engine, classifiers):
    found = engine.judge.analyse(ARTICLE)
    assert [p.model for p in found.predictions] == ["tinybert", "tfidf"]
    assert [p.verdict for p in found.predictions] == ["fake", "fake"]
    for p in found.predictions:
        assert p.p_fake == pytest.approx(classifiers[p.model].predict_proba([ARTICLE])[0, 0], abs=1e-6)
        assert p.log_odds == pytest.approx(classifiers[p.model].decision_function([ARTICLE])[0], abs=1e-6)
    assert found.n_words == len(ARTICLE.split())
    assert found.seconds > 0


def test_models_can_be_chosen_by_name_and_by_folder(engine, models):
    found = engine.judge.analyse(ARTICLE, ["distilbert", str(models / "tfidf")])
    assert [p.model for p in found.predictions] == ["distilbert", "tfidf"]


def test_another_version_of_a_model_is_not_taken_for_it(models, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(models / "tfidf", other)
    classifier = store.load(store.find(str(other), models))
    classifier.calibration_ = Calibration(-1.0)
    classifier.save(other)
    engine = Engine.open(Settings(models=models))
    engine.judge.analyse(ARTICLE, [str(other)])
    explained = engine.explainers.explain(ExplanationRequest(ARTICLE, "tfidf", "linear"))
    assert explained.log_odds == pytest.approx(engine.judge.analyse(ARTICLE, ["tfidf"]).predictions[0].log_odds)
    assert engine.pool.title(str(other)) == engine.pool.title("tfidf")
    with pytest.raises(InputError, match="Two of these models are a tfidf"):
        engine.judge.analyse(ARTICLE, ["tfidf", str(other)])


def test_the_json_form_has_the_documented_keys(engine):
    found = engine.judge.analyse(SHORT, ["tfidf"]).to_dict()
    assert list(found) == ["predictions", "n_words", "seconds", "track_records"]
    assert list(found["predictions"][0]) == ["model", "p_fake", "log_odds", "verdict", "reasons", "share_fake"]
    assert found["predictions"][0]["reasons"] == ["too_short"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (SHORT, [("too_short",)] * 3),
        (CHINESE, [("not_english",), ("not_english", "unlike_training"), ("not_english", "unlike_training")]),
        (NO_NEWS, [("too_close",), ("unlike_training",), ("unlike_training",)]),
    ],
)
def test_what_cannot_be_judged_says_why(engine, text, reasons):
    found = engine.judge.analyse(engine.judge.check("", text), engine.pool.models).predictions
    assert [p.reasons for p in found] == reasons
    assert all((p.verdict == "cannot_judge") == bool(p.reasons) for p in found)


def test_what_the_models_contradict_each_other_on_is_not_judged(engine):
    contrary = engine.pool.classifier("tfidf")
    before = contrary.calibration_
    contrary.calibration_ = Calibration(-before.slope)  # as if it had learnt the opposite
    try:
        found = engine.judge.analyse(ARTICLE)
    finally:
        contrary.calibration_ = before
    assert [p.reasons for p in found.predictions] == [("models_disagree",)] * 2


def test_there_is_no_verdict_where_those_on_text_like_this_were_mostly_wrong(engine, monkeypatch):
    record = TrackRecord("tfidf", 60, 40, 2 / 3, (0.54, 0.77), {"isot": 80}, 0.5, 80)
    monkeypatch.setattr(engine.evidence, "track_record", lambda text, model: record if model == "tfidf" else None)
    (tinybert, tfidf), (_, short) = engine.judge.judge_many([ARTICLE, SHORT], ("tinybert", "tfidf"))
    assert (tfidf.verdict, tfidf.reasons) == ("cannot_judge", ("mostly_wrong",))
    assert tinybert.verdict == "fake"
    assert short.reasons == ("too_short",)
    alone = engine.judge.analyse(ARTICLE).predictions
    assert [(p.model, p.verdict, p.reasons) for p in alone] == [
        ("tinybert", "fake", ()),
        ("tfidf", "cannot_judge", ("mostly_wrong",)),
    ]
    # In a batch of another size a transformer's sums round otherwise.
    assert [p.log_odds for p in alone] == pytest.approx([tinybert.log_odds, tfidf.log_odds], abs=1e-4)


def test_beside_a_verdict_stands_what_share_of_articles_that_scored_alike_is_fake(engine, monkeypatch):
    curve = Reliability((0.05, 0.95), (0.1, 0.8), 1000)
    monkeypatch.setitem(engine.evidence._evaluations, "tfidf", SimpleNamespace(reliability=curve))
    judged = engine.judge.judge_many([ARTICLE, SHORT, CHINESE], ("tinybert", "tfidf"))
    (tinybert, tfidf), (_, short), (_, foreign) = judged
    assert tinybert.share_fake is None  # without evidence nothing was measured
    assert tfidf.share_fake == pytest.approx(share_like_this(curve, tfidf.p_fake)) and tfidf.share_fake > 0.6
    assert short.share_fake is None and foreign.share_fake is None  # nothing of that kind was measured
    assert share_sentence(0.8) in verdicts(
        Analysis(ARTICLE, (replace(tfidf, share_fake=0.8),), 100, 0.0), {"tfidf": "TF-IDF"}, {}
    )


def test_text_unlike_anything_known_has_no_record():
    shipped = Engine.open()
    foreign = "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645 " * 40
    asked = shipped.judge.analyse(foreign)
    assert all("not_english" in p.reasons for p in asked.predictions)
    assert asked.track_records == ()
    assert shipped.judge.analyse(shipped.evidence.corpus("demo").iloc[0]["text"]).track_records != ()


def test_the_record_of_the_shipped_models_is_not_that_of_another_model_of_their_name(models):
    shipped = Engine.open()
    text = shipped.evidence.corpus("demo").iloc[0]["text"]
    assert shipped.evidence.track_record(text, "tfidf") is not None
    assert shipped.evidence.track_record(text, str(models / "tfidf")) is None


def test_the_formatting_test_asks_every_model_under_every_edit(engine):
    text = engine.judge.check("A TITLE", f"{ARTICLE}. It's late.")
    found = engine.judge.formatting_test(text)
    before = {p.model: p.p_fake for p in engine.judge.analyse(text).predictions}
    assert found.p_fake == pytest.approx(before, abs=1e-5)
    assert [o.edit for o in found.edits] == list(EDITS)
    outcomes = {o.edit: o for o in found.edits}
    assert outcomes["add_dateline"].changed and not outcomes["remove_dateline"].changed
    assert outcomes["add_dateline"].p_fake == pytest.approx(before, abs=1e-5)  # cleaning takes it away again
    assert found.moved == ()
    tested = engine.judge.analyse(text).tested(found)
    assert list(tested.to_dict()) == ["predictions", "n_words", "seconds", "track_records", "formatting"]
    assert tested.predictions == engine.judge.analyse(text).predictions


def test_members_beside_their_ensemble_are_asked_once_under_every_edit(
    classifiers: dict[str, TextClassifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("tinybert", "tfidf", "ensemble-small")
    for name in names:
        classifiers[name].save(tmp_path / name)
    judge = Engine.open(Settings(models=tmp_path, device="cpu")).judge
    text = judge.check("A TITLE", f"{ARTICLE}. It's late.")
    before = {p.model: p.p_fake for p in judge.analyse(text, names).predictions}
    asked: list[list[str]] = []
    real = TransformerClassifier.predict_scores
    monkeypatch.setattr(
        TransformerClassifier, "predict_scores", lambda self, texts: (asked.append(list(texts)), real(self, texts))[1]
    )
    found = judge.formatting_test(text, names)
    assert found.p_fake == pytest.approx(before, abs=1e-5)
    ((*readings,),) = asked
    assert text in readings and len(readings) == len(set(readings)) > 1
    alone = judge.formatting_test(text, ("ensemble-small",))
    assert [o.p_fake["ensemble-small"] for o in alone.edits] == [o.p_fake["ensemble-small"] for o in found.edits]


def test_a_verdict_that_hangs_on_formatting_is_withdrawn(engine):
    text = engine.judge.check("", ARTICLE)
    test = engine.judge.formatting_test(text)
    turned = replace(test, edits=(replace(test.edits[0], moved=("tfidf",)), *test.edits[1:]))
    tested = engine.judge.analyse(text).tested(turned)
    assert [(p.verdict, p.reasons) for p in tested.predictions] == [("fake", ()), ("cannot_judge", ("formatting",))]


def test_checked_text_keeps_every_character_in_its_place(engine):
    text = engine.judge.check("Title \ud83d", "Body \U0001f600 \udc00.")
    assert text == "Title \ufffd\n\nBody \U0001f600 \ufffd."
    text.encode("utf-8")
    assert engine.judge.check("  ", "Body.") == "Body."


@pytest.mark.parametrize(("title", "body"), [("", ""), (" ", "\n\t "), ("", "\u2003")])
def test_nothing_to_read_is_refused_in_one_sentence(engine, title, body):
    with pytest.raises(InputError, match=r"^There is no text yet: .*\.$"):
        engine.judge.check(title, body)


@pytest.mark.parametrize("text", ["…", "\x00 - \x01", "😀 👍🏽", "https://example.org/a/b?c=d", "<p></p>\n\n<br>"])
def test_a_text_of_which_no_word_is_read_is_refused_in_one_sentence(engine, text):
    said = r"^There are no words to read here: .*\.$"
    with pytest.raises(EmptyText, match=said):
        engine.judge.check("", text)
    with pytest.raises(EmptyText, match=said):
        engine.judge.what_if(ARTICLE, text)
    assert engine.judge.check("Words", text) == f"Words\n\n{text}"


def test_a_megabyte_is_refused_and_the_limit_is_not(engine):
    with pytest.raises(InputError, match="1,000,000 characters; up to 20,000 can be analyzed"):
        engine.judge.check("", "x" * 1_000_000)
    assert len(engine.judge.check("", "x" * 20_000)) == 20_000
    with pytest.raises(InputError, match="20,001"):
        engine.judge.check("", "x" * 20_001)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.judge.analyse(ARTICLE, ["tinybird"]), "Unknown model 'tinybird'. Known: tinybert"),
        (
            lambda s: s.explainers.explain(ExplanationRequest(ARTICLE, "tfidf", "limee")),
            "Unknown explainer 'limee'. Known: linear",
        ),
        (lambda s: s.explainers.explain(ExplanationRequest(ARTICLE, "tinybert", "linear")), "linear"),
        (lambda s: s.explainers.explain(ExplanationRequest(ARTICLE, "tfidf", "lime", n_samples=-5)), "-5"),
        (lambda s: s.explainers.explain(ExplanationRequest(ARTICLE, "tfidf", "lime", target="truth")), "truth"),
        (lambda s: s.explainers.explain(ExplanationRequest(ARTICLE, "tfidf", "lime", seed=-1)), "-1"),
    ],
)
def test_what_will_not_do_is_told_in_one_line(engine, call, message):
    with pytest.raises(InputError) as caught:
        call(engine)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_methods_are_what_the_model_supports(engine):
    assert engine.explainers.methods("tfidf")[0] == "linear"
    assert engine.explainers.methods("tinybert")[0] == "gradient"
    assert "linear" not in engine.explainers.methods("tinybert")
    assert not any("library" in method for method in engine.explainers.methods("tfidf"))
    assert engine.explainers.methods("tfidf", with_libraries=True)[-2:] == ("shap-library", "lime-library")


def test_a_stock_package_tells_its_progress_and_is_cancelled_as_ours_are(engine):
    def explain(n_samples: int, token: Token) -> Iterator[Update[Refinement]]:
        request = ExplanationRequest(ARTICLE, "tinybert", "shap-library", n_samples)
        return watch(engine.scheduler, lambda progress: engine.explainers.refine(request, progress), token)

    updates = list(explain(200, Token()))
    assert updates[-1].result is not None and updates[-1].result.share == 1.0
    assert updates[-1].result.explanation.explainer == "shap-library"
    token = Token()
    with pytest.raises(Cancelled):
        for update in explain(20_000, token):
            assert update.result is None
            token.cancel()
    names = engine.explainers.agreement(ARTICLE, ["tfidf"], ["shap", "shap-library"]).names
    assert names == ("tfidf, shap", "tfidf, shap-library")


@pytest.mark.parametrize(("model", "method"), [("tfidf", "linear"), ("tinybert", "gradient"), ("tfidf", "lime")])
def test_an_explanation_is_computed_once(engine, model, method):
    first = engine.explainers.explain(ExplanationRequest(ARTICLE, model, method))
    assert isinstance(first, Explanation)
    assert (first.classifier, first.explainer, first.text) == (model, method, ARTICLE)
    assert engine.explainers.explain(ExplanationRequest(ARTICLE, model, method)) is first
    assert engine.explainers.explain(ExplanationRequest(ARTICLE, model, method, target="real")) is not first


@pytest.mark.parametrize("model", ["tfidf", "tinybert"])
def test_a_verdict_that_was_given_is_not_worked_out_again_for_its_explanation(engine, monkeypatch, model):
    text = f"{ARTICLE} Nobody has asked about this text before, and what was said of it is known after the verdict."
    (said,) = engine.judge.analyse(text, [model]).predictions
    classifier = engine.pool.classifier(model)
    real = classifier.masked_log_odds

    def without_the_whole(text, keep):
        assert not keep.all(axis=1).any()
        return real(text, keep)

    monkeypatch.setattr(classifier, "masked_log_odds", without_the_whole)
    monkeypatch.setattr(classifier, "decision_function", lambda texts: pytest.fail("asked again"))
    request = ExplanationRequest(text, model, engine.explainers.methods(model)[0])
    assert engine.explainers.explain(request).log_odds == said.log_odds


def test_a_cancelled_explanation_leaves_nothing_behind(engine):
    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.explainers.explain(ExplanationRequest(SHORT, "tinybert", "lime", seed=3), stop)
    shares: list[float] = []
    engine.explainers.explain(ExplanationRequest(SHORT, "tinybert", "lime", seed=3), shares.append)
    assert shares  # computed, not found in the cache


def test_many_visitors_load_a_model_once_and_get_the_same(models):
    fresh = Engine.open(Settings(models=models, device="cpu"))

    def ask(_: int) -> tuple[TextClassifier, Analysis]:
        return fresh.pool.classifier("tinybert"), fresh.judge.analyse(ARTICLE)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert len({id(classifier) for classifier, _ in answers}) == 1
    log_odds = np.array([[p.log_odds for p in analysis.predictions] for _, analysis in answers])
    assert np.ptp(log_odds, axis=0) == pytest.approx(0, abs=1e-4)


def test_a_warm_service_has_loaded_both(models):
    fresh = Engine.open(Settings(models=models, device="cpu"))
    fresh.warm_up()
    assert {m: fresh.pool.classifier(m).name for m in fresh.pool.models[:2]} == {
        "tinybert": "tinybert",
        "tfidf": "tfidf",
    }


def test_without_evidence_there_is_none(engine):
    assert engine.evidence.evaluation("tinybert") is None
    assert engine.evidence.accuracy_sentence("tinybert") == ""


def test_the_demo_corpus_is_always_here_and_others_say_how_to_get_them(engine):
    assert len(engine.evidence.corpus("demo")) > 50
    with pytest.raises(TextNotHere, match="FAKENEWS_DATA"):
        engine.evidence.corpus("isot")


def test_what_a_model_learnt_from_is_recognised_by_its_text(share_engine: Engine, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(share_engine.settings.models, models)
    engine = Engine.open(Settings(models=models))
    table = as_table(pd.DataFrame({"text": [LEARNT, HELD_OUT, OTHER, LEARNT.replace("\n", "\r\n") + " "], "label": 0}))
    assert not engine.tables.is_trained_on(table, ["tfidf"]).any(), "no evidence, so nothing is known"
    remember(models / "tfidf", [LEARNT], [HELD_OUT], [OTHER])
    assert engine.tables.is_trained_on(table, ["tfidf"]).tolist() == [True, False, False, True]
    assert not engine.tables.is_trained_on(table, ["word2vec"]).any()
    assert engine.tables.is_trained_on(table, ["word2vec", "tfidf"]).tolist() == [True, False, False, True]


def test_labels_of_the_measured_articles_withdraw_none_of_their_verdicts(share_engine: Engine, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(share_engine.settings.models, models)
    drawn = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    names = ["".join(drawn.choice(letters, 6)) for _ in range(80)]
    texts = [f"{ARTICLE} Also there: {' '.join(drawn.choice(names, 20))}." for _ in range(150)]
    table = as_table(pd.DataFrame({"text": texts, "label": 1}))  # the model takes all of them for fake
    fit_neighbors(texts, table["id"].tolist(), ["mine"] * 150).save(models / "neighbours")
    engine = Engine.open(Settings(models=models, device="cpu"))
    engine.evidence._outcomes["tfidf"] = np.full(150, WRONG, dtype=np.int8)
    measured = engine.tables.measure(table, "tfidf").verdicts
    assert (measured.given, measured.right) == (150, 0)
    (alone,) = engine.judge.analyse(texts[0], ["tfidf"]).predictions
    assert alone.reasons == ("mostly_wrong",), "one text is compared with all others"


def test_each_text_is_cleaned_once_whatever_their_number(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, cleanings: list[str]
) -> None:
    texts = [f"{ARTICLE} Nobody read version {n} before." for n in range(150)]
    engine.judge.judge_many(texts)
    assert cleanings == texts
    cleanings.clear()
    table = as_table(pd.DataFrame({"text": [f"{text} Nor this." for text in texts], "label": [0, 1] * 75}))
    neighbors = fit_neighbors([f"w{n % 70} w{n % 71} w{n % 73} x" for n in range(150)], ["x"] * 150, ["x"] * 150)
    monkeypatch.setattr(engine.evidence, "neighbors", neighbors)
    cleanings.clear()
    engine.tables.measure(table, "tfidf")
    assert cleanings == table["text"].tolist()
