"""The Dataset tab's handlers, called as functions on the committed evidence and on a table of one's own."""

import asyncio
import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, precision_recall_curve

from fakenews.classifiers.model_folder import settings
from fakenews.config import Settings
from fakenews.data.base import TextNotHere
from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.reporting.digits import share_text
from fakenews.share.store import ShareStore
from fakenews.text import count_words
from fakenews.ui.app import build_app
from fakenews.ui.dataset import NOTHING, WEIGHED, Dataset
from fakenews.ui.dataset_curves import CURVES
from fakenews.ui.lists import CELLS, DOUBTFUL, ROWS
from fakenews.ui.measured import ERRORS, View
from fakenews.ui.render import percent
from fakenews.verdict import MIN_WORDS, REASONS, UNDECIDED


@pytest.fixture(scope="module")
def tab() -> Dataset:
    return Dataset(Engine.open(Settings()))


def listed(tab: Dataset, view: View) -> tuple[str, str]:
    shown = tab.show(view)
    return shown["list_heading"], shown["table"]


def counts(matrix: str) -> list[list[int]]:
    found = [int(n.replace(",", "")) for n in re.findall(r"<b>([\d,]+)</b>", matrix)]
    return [found[:2], found[2:]]


def count(heading: str) -> int:
    found = re.search(r"([\d,]+) of ([\d,]+)", heading)
    assert found
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("model", ["tinybert", "tfidf"])
def test_every_cell_lists_what_the_committed_matrix_counts(tab: Dataset, model: str) -> None:
    evidence = tab.engine.evidence.evaluation(model)
    assert evidence is not None
    matrix = evidence.corpora["demo/all"].confusion_matrix
    for cell in set(CELLS) - {DOUBTFUL}:
        heading, table = listed(tab, View("demo", "all", model, cell, "roc"))
        expected = matrix[0][1] + matrix[1][0] if cell == ERRORS else matrix[int(cell[0])][int(cell[2])]
        assert count(heading) == expected
        assert table.count("data-open") == expected


def test_without_the_text_figures_and_ids_are_shown_and_how_to_get_it(tab: Dataset) -> None:
    shown = tab.show(View("isot", "test", "tfidf", ERRORS, "calibration"))
    evaluation = tab.engine.evidence.evaluation("tfidf").corpora["isot/test"]
    assert "fn-figs" in shown["cards"] and shown["figure"] is not None
    assert counts(shown["matrix"]) == [[*row] for row in evaluation.confusion_matrix]
    said, _, folded = shown["table"].partition("<details")
    assert 'value="fakenews data get isot"' in said and "License: CC BY-NC-SA 4.0" in said and "<table" not in said
    assert "data-open" not in folded and "checkbox" not in folded
    assert len(re.findall(r"<td>[0-9a-f]{16}</td>", folded)) == min(ROWS, count(shown["list_heading"]))


def test_what_opens_first_is_a_corpus_whose_text_is_here(tab: Dataset, tmp_path: Path) -> None:
    (title, first), *others = tab.measured.corpora()
    assert first == "demo" and "figures only" not in title
    assert all("figures only" in title for title, _ in others)
    load("demo").assign(label=0).to_parquet(tmp_path / "isot.parquet")
    (tmp_path / "webis2016.parquet").write_bytes(b"no parquet")
    found = Dataset(Engine.open(Settings(data=tmp_path))).measured.corpora()
    assert [name for _, name in found[:2]] == ["isot", "demo"]
    assert all("figures only" in title for title, _ in found[2:])


def test_a_row_opens_the_article_it_names(tab: Dataset) -> None:
    demo = load("demo")
    _, table = listed(tab, View("demo", "all", "tfidf", ERRORS, "roc"))
    key = re.findall(r'data-open="(\w+)"', table)[0]
    row = demo[demo["id"] == key].iloc[0]
    assert tab.measured.article("demo", key) == (row["title"], row["text"])


def test_a_row_says_that_other_models_answer_in_analyse(tab: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tab.measured.scored(View("isot", "test", "tfidf", protocol="one-corpus")).frame["id"]
    words = dict.fromkeys(("title", "text", "date", "subject"), "words")
    monkeypatch.setattr(tab.measured, "_text_of", lambda corpus: pd.DataFrame({"id": ids, **words}))
    said = "in Analyse, where the models as shipped answer, on the whole text, which they may have been trained on"
    assert said in listed(tab, View("isot", "test", "tfidf", protocol="one-corpus"))[0]
    shipped = listed(tab, View("isot", "test", "tfidf"))[0]
    assert "opens the article in Analyse" in shipped and "as shipped" not in shipped


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.95])
def test_a_threshold_moves_all_that_hangs_on_it(tab: Dataset, threshold: float) -> None:
    view = View("demo", "all", "tinybert", threshold=threshold)
    rows = tab.measured.scored(view).frame
    y, p = rows["label"].to_numpy(), rows["p_fake"].to_numpy().astype(float)
    predicted = np.where(p >= threshold, 0, 1)
    matrix = confusion_matrix(y, predicted)
    result = tab.measured.looked(view).result
    assert result.accuracy == np.mean(y == predicted)
    assert result.macro_f1 == pytest.approx(f1_score(y, predicted, average="macro"))
    assert result.roc_auc == tab.engine.evidence.evaluation("tinybert").corpora["demo/all"].roc_auc
    low, high = result.intervals["accuracy"]
    assert low <= result.accuracy <= high
    for cell in set(CELLS) - {DOUBTFUL}:
        heading, table = listed(tab, view._replace(cell=cell))
        expected = matrix[0][1] + matrix[1][0] if cell == ERRORS else matrix[int(cell[0])][int(cell[2])]
        assert count(heading) == expected == table.count("data-open")
        assert cell == ERRORS or table.count(f'"Predicted ">{("fake", "real")[int(cell[2])]}</td>') == expected
    assert counts(tab.show(view)["matrix"]) == matrix.tolist()
    for curve in ("roc", "pr"):
        shown = tab.show(view._replace(curve=curve))
        mark, numbers = shown["figure"].data[-1], shown["numbers"]
        found, mistaken = matrix[0][0], matrix[1][0]
        at = (mistaken / matrix[1].sum(), found / matrix[0].sum())
        at = at if curve == "roc" else (at[1], found / (found + mistaken))
        assert (mark.x[0], mark.y[0]) == pytest.approx(at)
        row = numbers.partition(f"<td>{threshold:.2f}</td>")[2].partition("</tr>")[0]
        called = found + mistaken
        assert re.findall(r">([^<]+)</td>", row) == [
            share_text(found, matrix[0].sum()), share_text(mistaken, matrix[1].sum()), share_text(found, called)
        ]  # fmt: skip
    reading = tab.show(view)["reading"]
    assert (f"from a probability of {threshold:.2f} on" in reading) == (threshold != 0.5)


def test_the_committed_figures_are_those_of_one_half(tab: Dataset) -> None:
    looked = tab.measured.looked(View("isot", "test", "tfidf"))
    assert looked.result == tab.engine.evidence.evaluation("tfidf").corpora["isot/test"]


def test_without_time_for_intervals_their_absence_is_said(tab: Dataset) -> None:
    view = View("liar", "all", "tfidf", threshold=0.4)
    intervals = tab.measured.looked(view).result.intervals
    assert "accuracy" not in intervals and "roc_auc" in intervals  # which hangs on no threshold
    assert "intervals that move with it would take too long" in tab.show(view)["reading"]


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_doubtful_articles_are_those_nearest_the_threshold(tab: Dataset, threshold: float) -> None:
    view = View("demo", "all", "tinybert", DOUBTFUL, threshold=threshold)
    rows = tab.measured.scored(view).frame.set_index("id")["p_fake"].astype(float)
    near = (rows - threshold).abs().sort_values(kind="stable")
    heading, table = listed(tab, view)
    assert re.findall(r'data-open="(\w+)"', table) == list(near[near <= 0.1].index)
    assert count(heading) == (near <= 0.1).sum() and f"threshold of {threshold:.2f}" in heading
    assert 'aria-pressed="true"' not in tab.show(view)["matrix"]


@pytest.mark.parametrize("kind", [key for _, key in CURVES])
def test_every_curve_is_of_the_predictions_looked_at(tab: Dataset, kind: str) -> None:
    rows = tab.measured.scored(View("demo", "all", "tinybert")).frame
    is_fake, p_fake = rows["label"] == 0, rows["p_fake"].astype(float)
    shown = tab.show(View("demo", "all", "tinybert", ERRORS, kind))
    reference, line = shown["figure"].data[:2]
    if kind == "pr":
        precision, recall, _ = precision_recall_curve(is_fake, p_fake, drop_intermediate=True)
        assert line.x.tolist() == recall.tolist() and line.y.tolist() == precision.tolist()
        assert list(reference.y) == [is_fake.mean()] * 2
        assert f"Average precision: {average_precision_score(is_fake, p_fake):.3f}" in shown["numbers"]
    else:
        assert (list(reference.x), list(reference.y)) == ([0, 1], [0, 1])


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_a_corpus_of_one_class_has_no_such_curve_but_words(tab: Dataset, kind: str) -> None:
    shown = tab.show(View("horne2017_satire", "all", "tfidf", ERRORS, kind))
    assert shown["matrix"] and shown["figure"] is None
    assert "one class only" in shown["numbers"]


def test_a_table_of_ones_own_is_listed_and_scored_when_opened(tmp_path: Path) -> None:
    own = load("demo").head(12)[["title", "text", "label"]]
    own.to_parquet(tmp_path / "mine.parquet")
    pd.DataFrame({"id": ["a"], "sampling": ["random"]}).to_parquet(tmp_path / "helper.parquet")
    tab = Dataset(Engine.open(Settings(data=tmp_path)))
    assert [name for _, name in tab.measured.corpora()][-1] == "mine"
    assert "helper" not in {name for _, name in tab.measured.corpora()}
    assert tab.measured.splits("mine", "tfidf") == ["all"]
    shown = tab.show(View("mine", "all", "tfidf", ERRORS, "calibration"))
    assert "fn-figs" in shown["cards"] and " of 12" in shown["list_heading"]
    assert sum(map(sum, counts(shown["matrix"]))) == 12


def test_tables_of_any_format_and_case_are_listed_and_what_cannot_be_read_is_too(tmp_path: Path) -> None:
    own = load("demo").head(12)[["title", "text", "label"]].rename(columns={"text": "Text", "label": "Label"})
    own.to_csv(tmp_path / "mine.csv", index=False)
    own.to_parquet(tmp_path / "mine.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"not parquet at all")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "mine.parquet").read_bytes()[:-40])
    (tmp_path / "isot.parquet").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    own.drop(columns="Label").to_csv(tmp_path / "unlabeled.csv", index=False)
    tab = Dataset(Engine.open(Settings(data=tmp_path)))
    assert [name for _, name in tab.measured.corpora()][-2:] == ["mine.csv", "mine"]
    for name in ("mine.csv", "mine"):
        shown = tab.show(View(name, "all", "tfidf"))
        assert " of 12" in shown["list_heading"] and "Label 0 is read as fake" in shown["reading"]
    about = tab.about("demo")
    assert "<b>broken.parquet</b>: broken.parquet cannot be read as parquet" in about
    assert "it has no end" in about and "<b>unlabeled.csv</b>: It has no column label." in about
    assert "<b>isot.parquet</b>: isot.parquet is a Git LFS pointer" in about
    shown = tab.show(View("isot", "test", "tfidf"))
    assert "fn-figs" in shown["cards"] and "Git LFS pointer" in shown["table"], "figures stand without the text"


def test_labels_the_other_way_round_are_warned_of(tmp_path: Path) -> None:
    own = load("demo")[["title", "text", "label"]].assign(label=lambda rows: 1 - rows["label"])
    own.to_parquet(tmp_path / "mine.parquet")
    sentence = Dataset(Engine.open(Settings(data=tmp_path))).show(View("mine", "all", "tfidf"))["reading"]
    assert "the labels may be the other way round. If 1 means fake, write it anew with" in sentence


def test_rows_whose_ids_repeat_open_their_own_articles(tmp_path: Path) -> None:
    own = load("demo").head(12)[["title", "text", "label"]]
    own = pd.concat([own, own.tail(1).assign(title="Another title")]).assign(id=[*"012345", *"012345", "5"])
    own.to_parquet(tmp_path / "mine.parquet")
    tab = Dataset(Engine.open(Settings(data=tmp_path)))
    opened = []
    for cell in ("0,0", "0,1", "1,0", "1,1"):
        _, table = listed(tab, View("mine", "all", "tfidf", cell))
        opened += [tab.measured.article("mine", key) for key in re.findall(r'data-open="(\w+)"', table)]
    assert sorted(opened) == sorted(zip(own["title"], own["text"], strict=True))


VISITOR: Any = SimpleNamespace(session_hash="visitor")


@pytest.fixture
def own_tab(tmp_path: Path) -> Dataset:
    load("demo").head(40)[["title", "text", "label"]].to_parquet(tmp_path / "mine.parquet")
    return Dataset(Engine.open(Settings(data=tmp_path)))


@pytest.mark.parametrize(("model", "corpus"), [("ensemble", "horne2017"), ("tfidf", "golbeck_fake_satire")])
def test_a_corpus_that_was_learnt_from_is_never_scored_as_if_it_were_new(
    tab: Dataset, model: str, corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tab.engine.evidence, "corpus", lambda name: load("demo"))  # its text is here
    shown = tab.look(View(corpus, "all", model), VISITOR)
    cards = shown.pop("cards")
    assert "trained on articles of this corpus" in cards
    assert ("Corpora left out" in cards) == (corpus == "horne2017")
    assert shown.pop("scoring") == "" and shown.pop("picked") and {**shown, "cards": ""} == NOTHING
    assert tab.export(View(corpus, "all", model), "csv") == ""


def test_splits_are_those_of_the_model(tab: Dataset) -> None:
    assert tab.measured.splits("horne2017", "tinybert") == ["validation"]
    assert tab.measured.splits("horne2017", "word2vec") == ["all"]
    assert tab.measured.splits("horne2017", "tinybert", "left-out") == ["all"]
    assert "pick another split or model" in tab.look(View("horne2017", "validation", "word2vec"), VISITOR)["cards"]


def test_only_the_corpus_the_calibration_is_of_is_said_to_be_what_it_was_fitted_on(tab: Dataset) -> None:
    assert "calibration was fitted on these" in tab.show(View("isot", "validation", "tfidf"))["reading"]
    reading = tab.show(View("horne2017", "validation", "tfidf"))["reading"]
    assert "fitted on these" not in reading and "trained on other articles" in reading and "ISOT" in reading
    of_ensemble = tab.show(View("horne2017", "validation", "ensemble"))["reading"]
    assert "weights" not in reading and "weights were chosen" in of_ensemble


def test_no_old_figures_stand_while_a_model_reads_a_table(own_tab: Dataset) -> None:
    view = View("mine", "all", "tfidf")
    shown = own_tab.look(view, VISITOR)
    assert "progress" in shown["scoring"] and "TF-IDF" in shown["scoring"]
    assert {name: shown[name] for name in NOTHING} == NOTHING
    assert own_tab.export(view, "csv") == "" and "not read these" in next(own_tab.words(view, VISITOR))
    *progress, figures, last = own_tab.score(view, VISITOR)
    assert all("progress" in part["scoring"] and len(part) == 1 for part in progress)
    assert figures["scoring"] == "" and "fn-figs" in figures["cards"]
    assert "was not trained on this table" in figures["reading"]
    assert last == {"scoring": ""}  # Gradio sends it twice: nothing changes
    assert own_tab.look(view, VISITOR)["cards"] == figures["cards"]
    assert list(own_tab.score(view, VISITOR)) == [last]


def test_where_the_training_text_is_each_article_is_listed_with_its_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    tab = Dataset(Engine.open(Settings()))
    demo = load("demo")

    def corpus(name: str) -> pd.DataFrame:
        if name in ("demo", "isot"):
            return demo
        raise TextNotHere("not here")

    monkeypatch.setattr(tab.engine.evidence, "corpus", corpus)
    view = View("demo", "all", "tinybert")
    assert "Nearest training article" not in tab.look(view, VISITOR)["table"]
    column, last = tab.score(view, VISITOR)
    assert "cards" not in column and last == {"scoring": ""}
    for table in (column["table"], tab.look(view, VISITOR)["table"]):
        assert "Nearest training article" in table
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
        assert rows and all(row[-1].startswith(f"1.00, {row[2]}: ") for row in rows)  # each is its own copy
    assert list(tab.score(view, VISITOR)) == [last]  # found once
    assert tab.measured.twins(view._replace(protocol="left-out")) is None
    assert "Nearest" not in json.loads(tab.export(view, "html"))["content"]


def test_without_the_training_text_there_is_no_such_column(tab: Dataset) -> None:
    view = View("demo", "all", "tinybert")
    assert not tab.measured.find_twins(view) and len(list(tab.score(view, VISITOR))) == 1
    assert "Nearest training article" not in tab.show(view)["table"]


@pytest.mark.slow
@pytest.mark.skipif("FAKENEWS_DATA" not in os.environ, reason="FAKENEWS_DATA names no corpora")
@pytest.mark.parametrize("model", ["word2vec", "tfidf"])
def test_what_a_model_learnt_from_is_found_again(model: str) -> None:
    tab = Dataset(Engine.open(Settings.from_environment()))
    rows = settings(tab.engine.settings.models / model)["data"]["rows"]["train"]
    learnt = tab.measured._training_articles(model)
    assert learnt is not None and len(learnt) == rows


def test_looking_at_something_else_ends_the_scoring(own_tab: Dataset) -> None:
    view = View("mine", "all", "tinybert")
    scoring = own_tab.score(view, VISITOR)
    assert "progress" in next(scoring)["scoring"]
    assert "fn-figs" in own_tab.look(View("isot", "test", "tfidf"), VISITOR)["cards"]
    assert all(isinstance(kept, dict) for kept in [*scoring][-1].values())  # what the other look shows stays
    assert own_tab.measured.to_score(view)


WIRING = """
import json
import gradio as gr
from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.review_sets.preparing import Preparer
from fakenews.review_sets.store import SetStore
from fakenews.share.store import ShareStore
from fakenews.ui.analyse import AnalyseTab
from fakenews.ui.dataset import build
with gr.Blocks() as blocks:
    tab = AnalyseTab(gr.Textbox(), gr.Textbox(), gr.Button())
    engine = Engine.open(Settings())
    preparer = Preparer(engine, SetStore(ShareStore.of(engine.settings)))
    build(engine, tab, gr.Tabs(), preparer, gr.BrowserState(""))(tab.run.click)
fns = blocks.fns.values()
print(json.dumps([(f.name, f.trigger_mode, f.concurrency_id, f.concurrency_limit) for f in fns]))
"""


@pytest.mark.slow
def test_nobody_waits_for_another_whose_table_is_read_and_the_newest_choice_wins() -> None:
    ran = subprocess.run([sys.executable, "-c", WIRING], capture_output=True, text=True, check=True)
    found = [tuple(fn) for fn in json.loads(ran.stdout)]
    named = {name: [fn[1:] for fn in found if fn[0] == name] for name in ("pick", "look", "score")}
    assert named["score"].count(("always_last", "score", 2)) == len(named["look"]) == 5
    assert {*named["pick"], *named["look"]} == {("always_last", "dataset", 4)}


def test_an_unknown_corpus_is_one_sentence(tab: Dataset) -> None:
    shown = tab.show(View("nowhere", "all", "tfidf", ERRORS, "roc"))
    assert "Unknown corpus" in shown["cards"]
    assert shown["figure"] is None


def test_words_are_weighed_across_the_articles_looked_at(tab: Dataset) -> None:
    visitor: Any = SimpleNamespace(session_hash="visitor")
    *_, last = tab.words(View("demo", "all", "tfidf"), visitor)
    assert "Towards fake" in last and "Towards real" in last
    assert f"TF-IDF on {min(len(load('demo')), WEIGHED)} articles of “Demo" in last
    *_, refused = tab.words(View("isot", "test", "tfidf"), visitor)
    assert "fakenews data get isot" in refused
    *_, refused = tab.words(View("demo", "all", "features"), visitor)
    assert "no quick explanation" in refused


def test_words_are_not_weighed_for_models_that_were_trained_otherwise(tab: Dataset) -> None:
    *_, refused = tab.words(View("isot", "test", "tfidf", protocol="one-corpus"), VISITOR)
    assert "Only the models as shipped" in refused


def test_words_of_something_else_are_not_weighed_on(tab: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tab.engine.explainers.global_importance

    def slowly(texts: Any, model: str, progress: Any) -> Any:
        def report(share: float) -> None:
            time.sleep(0.05)
            progress(share)

        return real(texts, model, report)

    monkeypatch.setattr(tab.engine.explainers, "global_importance", slowly)
    weighing = tab.words(View("demo", "all", "tfidf"), VISITOR)
    assert "progress" in next(weighing)
    assert "Quick explanations" in tab.unweighed(VISITOR)
    assert "Cancelled" in [*weighing][-1]


@pytest.mark.parametrize("kind", ["html", "json", "csv"])
def test_what_is_looked_at_can_be_taken_away(tab: Dataset, kind: str) -> None:
    view = View("demo", tab.measured.splits("demo", "tfidf")[0], "tfidf")
    file = json.loads(tab.export(view, kind))
    content = file["content"]
    assert file["name"] == f"fakenews-demo-{view.split}-tfidf.{kind}"
    evaluation = tab.engine.evidence.evaluation("tfidf").corpora[f"demo/{view.split}"]
    if kind == "json":
        found = json.loads(content)
        assert (found["schema"], found["kind"], found["corpus"]) == (1, "fakenews evaluation", "demo")
        assert found["evaluation"] == evaluation.to_dict()
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(content)))
        right = sum(row["label"] == row["predicted"] for row in rows)
        assert len(rows) == evaluation.n and right / len(rows) == pytest.approx(evaluation.accuracy)
    else:
        assert "Always answering" in content or "written for this demo" in content
        assert "<script" not in content and "http" not in content.replace("http-equiv", "") and len(content) < 300_000


@pytest.mark.parametrize("kind", ["html", "json", "csv"])
def test_a_threshold_of_ones_own_stands_in_the_file(tab: Dataset, kind: str) -> None:
    file = json.loads(tab.export(View("demo", "all", "tfidf", threshold=0.85), kind))
    assert file["name"] == f"fakenews-demo-all-tfidf-from-0.85.{kind}"
    result = tab.measured.looked(View("demo", "all", "tfidf", threshold=0.85)).result
    if kind == "json":
        assert json.loads(file["content"])["evaluation"] == result.to_dict() and result.threshold == 0.85
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(file["content"])))
        assert {row["threshold"] for row in rows} == {"0.85"}
        assert all((row["predicted"] == "fake") == (float(row["p_fake"]) >= 0.85) for row in rows)
    else:
        assert "from a probability of 0.85 on" in file["content"]


@pytest.mark.parametrize("kind", ["html", "json", "csv"])
def test_a_file_tells_models_trained_otherwise_from_those_as_shipped(tab: Dataset, kind: str) -> None:
    view = View("isot", "test", "tfidf", protocol="one-corpus")
    file, shipped = (json.loads(tab.export(v, kind)) for v in (view, view._replace(protocol="shipped")))
    assert (file["name"], shipped["name"]) == (
        f"fakenews-isot-test-tfidf-one-corpus.{kind}",
        f"fakenews-isot-test-tfidf.{kind}",
    )
    content, other = file["content"], shipped["content"]
    if kind == "json":
        assert (json.loads(content)["protocol"], json.loads(other)["protocol"]) == ("one-corpus", "shipped")
    elif kind == "csv":
        found, of_shipped = (next(csv.DictReader(io.StringIO(text))) for text in (content, other))
        assert (found["protocol"], of_shipped["protocol"]) == ("one-corpus", "shipped")
    else:
        revision = f"weights {tab.engine.pool.revision('tfidf')}"
        assert revision in other and revision not in content and "protocol “ISOT alone”" in content


def test_a_file_of_a_slice_names_it(tab: Dataset) -> None:
    view = View("demo", "all", "tfidf", by="length", part="100 to 249 words")
    file = json.loads(tab.export(view, "csv"))
    assert file["name"] == "fakenews-demo-all-tfidf-length-100-to-249-words.csv"
    assert {row["part"] for row in csv.DictReader(io.StringIO(file["content"]))} == {view.part}


def test_articles_that_are_ticked_are_exported_alone(tab: Dataset) -> None:
    view = View("demo", "all", "tfidf")
    _, table = listed(tab, view)
    ids = re.findall(r'type="checkbox" value="(\w+)"', table)
    assert len(ids) == table.count("data-open") > 2
    file = json.loads(tab.export(view, "csv", " ".join(ids[:2])))
    assert file["name"] == "fakenews-demo-all-tfidf-selected.csv"
    assert {row["id"] for row in csv.DictReader(io.StringIO(file["content"]))} == set(ids[:2])
    assert 'type="checkbox"' not in json.loads(tab.export(view, "html"))["content"]


def test_each_row_holds_the_probabilities_of_both_models_and_a_reason(tab: Dataset) -> None:
    _, table = listed(tab, View("demo", "all", "tinybert"))
    known = {m: tab.engine.evidence.predictions(m, None).set_index("id")["p_fake"] for m in ("tinybert", "tfidf")}
    low, high = UNDECIDED
    words = load("demo").set_index("id")["text"].map(count_words)
    rows = re.findall(r'<tr>\s*<td class="fn-tick">.*?</tr>', table, re.DOTALL)
    assert rows
    for row in rows:
        key = re.search(r'data-open="(\w+)"', row)[1]
        first, second = (float(p[key]) for p in known.values())
        assert re.findall(r'class="n"[^>]*>([^<]+)<', row) == [percent(first), percent(second)]
        reason = re.findall(r"<td>([^<]*)</td>", row)[-1]
        assert (reason == REASONS["too_close"]) == (low < first < high and words[key] >= MIN_WORDS)
        assert (reason == "both models wrong") <= ((first < 0.5) == (second < 0.5))


def test_a_model_that_was_not_measured_there_is_not_shown_beside(tab: Dataset) -> None:
    assert [*tab.measured.beside(View("demo", "all", "tinybert"))] == ["TF-IDF"]
    assert [*tab.measured.beside(View("demo", "all", "cnn"))] == ["TinyBERT"]
    assert tab.measured.beside(View("horne2017", "all", "word2vec")) == {}


def test_the_pickers_fold_behind_what_they_show(tab: Dataset) -> None:
    line = tab.look(View("isot", "test", "tfidf"), VISITOR)["picked"]
    assert line == "TF-IDF · ISOT · test"


def test_nothing_to_look_at_is_no_file(tab: Dataset) -> None:
    assert tab.export(View("nothing", "all", "tfidf"), "csv") == ""


def test_the_page_starts_whatever_lies_in_the_data_folder(tmp_path: Path) -> None:
    for name in ("isot.parquet", "mine.parquet", "mine.csv", "t.jsonl", "t.json", "t.csv.gz"):
        (tmp_path / name).write_bytes(b"\x1f\x8bno table at all")
    engine = Engine.open(Settings(data=tmp_path))

    async def page() -> None:  # a coroutine, because Gradio leaves event loops open where none runs
        build_app(engine, ShareStore(f"sqlite:///{tmp_path / 's.db'}"))

    asyncio.run(page())
    assert len(Dataset(engine).measured.unreadable()) == 6
