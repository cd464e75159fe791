"""A table of the visitor's own: scored by both models, refused in words, never quoted in an error."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from fakenews.config import Settings
from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.metrics.verdicts import table_result
from fakenews.schema import FAKE, REAL
from fakenews.ui.own import MAX_ROWS, OwnTable
from fakenews.verdict import judge
from tests.explain.toys import planted_corpus, remember


@pytest.fixture(scope="module")
def tab() -> OwnTable:
    return OwnTable(Engine.open(Settings()))


def test_both_models_are_measured_on_it(tab: OwnTable, tmp_path: Path) -> None:
    rows = load("demo").groupby("label").head(4)
    path = tmp_path / "mine.csv"
    rows[["title", "text", "label"]].to_csv(path, index=False)
    seen: list[float] = []
    shown = tab.score(str(path), lambda share, desc: seen.append(share))
    assert "8 articles scored" in shown
    assert all(tab.engine.pool.title(model) in shown for model in tab.models)
    assert "ROC AUC" in shown and "fake articles recognized" in shown
    assert shown.count("asked alone, gives a verdict on") == 2 and "given the wrong verdict by every model" in shown
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_one_class_is_said_to_be_one_class(tab: OwnTable, tmp_path: Path) -> None:
    rows = load("demo").query("label == 1").head(3)
    path = tmp_path / "real.csv"
    rows[["text", "label"]].to_csv(path, index=False)
    shown = tab.score(str(path))
    assert "of one class only, so there is no macro-F1" in shown
    assert shown.count("<td class=n>–</td><td class=n>–</td>") == 2, "macro-F1 and ROC AUC"


def test_one_article_is_not_articles(tab: OwnTable, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    load("demo")[["text", "label"]].head(1).to_csv(path, index=False)
    assert "1 article scored." in tab.score(str(path))


def test_the_corpora_that_were_learnt_from_are_named_whatever_is_scored(tab: OwnTable, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    load("demo")[["text", "label"]].head(2).to_csv(path, index=False)
    shown = tab.score(str(path))
    assert "TinyBERT and TF-IDF trained on: ISOT; Horne 2017; FakeNewsAMT;" in shown and "left out" not in shown


def test_what_a_model_learnt_from_is_left_out_and_counted(share_engine: Engine, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(share_engine.settings.models, models)
    texts, labels = planted_corpus(12)
    remember(models / "tfidf", texts[:8])
    tab = OwnTable(Engine.open(Settings(models=models, device="cpu")))
    path = tmp_path / "mine.csv"
    pd.DataFrame({"text": texts, "label": labels}).to_csv(path, index=False)
    shown = tab.score(str(path))
    assert "4 articles scored. 8 left out, which TF-IDF or Word2Vec was trained on." in shown
    assert "TF-IDF trained on: ISOT; FA-KES." in shown
    pd.DataFrame({"text": texts[:8], "label": labels[:8]}).to_csv(path, index=False)
    shown = tab.score(str(path))
    assert "trained on these articles, all 8 of them, so figures would say nothing" in shown and "<table" not in shown


def test_verdicts_of_both_together_stand_beside_those_of_each_alone(tab: OwnTable) -> None:
    labels = [FAKE, FAKE, REAL, REAL]
    said = {"tinybert": [0.9, 0.9, 0.9, 0.1], "tfidf": [0.9, 0.1, 0.2, 0.5]}  # contrary on the second and the third
    results = {
        model: table_result([judge(model, p, 0.0, 400) for p in p_fake], labels) for model, p_fake in said.items()
    }
    shown = tab._figures(results, pd.DataFrame({"label": labels}))
    assert "TinyBERT, asked alone, gives a verdict on 4 of 4 and is right on 75.0% of these." in shown
    assert (
        "Asked together, as under Batch, they contradict each other on 2 articles and withdraw both verdicts: then "
        "TinyBERT gives 2, all of them right and TF-IDF gives 1, all of them right."
    ) in shown
    alike = dict.fromkeys(results, results["tfidf"])
    assert "Asked together" not in tab._figures(alike, pd.DataFrame({"label": labels}))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("headline,verdict\nA,1\n", "lacks the column text and label"),
        (
            "text,label\nA town met.,maybe\n",
            "label must be 0, fake or false, or 1, real or true; got &#39;maybe&#39; in line 2",
        ),
        ("title,text,label\nT,A town met.,0,1\n", "mine.csv, line 2: cells: 4, where the header has 3"),
        ("text,text,label\nA town met.,,0\n", "mine.csv has the column text more than once"),
        ("text,label\n", "holds no rows"),
        ("text,label\n" + "A town met.,1\n" * (MAX_ROWS + 1), "1,001 rows; up to 1,000"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(
    tab: OwnTable, tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content, encoding="utf-8")
    shown = tab.score(str(path))
    assert 'role="alert"' in shown and sentence in shown
    assert str(tmp_path) not in shown


@pytest.mark.slow
def test_labels_the_other_way_round_are_warned_of_and_rows_without_text_counted(tab: OwnTable, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = load("demo").groupby("label").head(12)[["title", "text", "label"]].assign(label=lambda r: 1 - r["label"])
    rows = pd.concat([rows, pd.DataFrame({"title": ["Alone"], "text": [""], "label": [0]})])
    rows.to_csv(path, index=False)
    shown = tab.score(str(path))
    assert "24 articles scored." in shown and "Label 0 is read as fake and 1 is read as real." in shown
    assert "1 of 25 rows has no text and is left out (1 with a title alone)." in shown
    assert "the labels may be the other way round. If 1 means fake, write it under" in shown
    shown = tab.score(str(path), fake="1")
    assert "Label 1 is read as fake and 0 is read as real." in shown and "other way round" not in shown


def test_markup_in_a_table_is_text(tab: OwnTable, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("title,text,label\n" + "<script>x</script>,A council met on Tuesday.,0\n" * 3, encoding="utf-8")
    assert "<script>" not in tab.score(str(path))
