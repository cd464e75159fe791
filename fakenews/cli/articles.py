"""Commands on one article, and on the words of many: predict, explain, compare, what-if, words, flip, extract."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fakenews.cli.inputs import open_article, open_engine, read_article
from fakenews.cli.options import AsJson, Encoding, Fake, File, Model, Models, Title
from fakenews.cli.output import print_json, progress
from fakenews.config import Settings

if TYPE_CHECKING:
    from fakenews.formatting import FormattingTest
    from fakenews.schema import Explanation, Prediction

TOP_WORDS = 10
METHODS = "linear, gradient, lime or shap; or to check them with the stock packages: lime-library or shap-library."

app = typer.Typer()


@app.command()
def predict(
    file: File,
    model: Models = None,
    title: Title = "",
    encoding: Encoding = "",
    formatting: Annotated[bool, typer.Option("--formatting", help="Ask again under edits of formatting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the models what an article resembles."""
    engine, text = open_article(file, title, encoding)
    models = list(dict.fromkeys(model)) if model else None
    analysis = engine.judge.analyse(text, models)
    if formatting:
        analysis = analysis.tested(engine.judge.formatting_test(text, models))
    if as_json:
        return print_json(analysis.to_dict())
    from fakenews.verdict import agreement

    for prediction in analysis.predictions:
        typer.echo(f"{engine.pool.title(prediction.model)}: {_verdict_line(prediction)}")
    typer.echo(agreement(analysis.predictions))
    if analysis.formatting:
        typer.echo(_formatting_text(analysis.formatting))


@app.command()
def explain(
    file: File,
    model: Model,
    method: Annotated[str, typer.Option("--method", help=METHODS)],
    samples: Annotated[int | None, typer.Option("--samples", help="Samples, steps or evaluations.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same weights.")] = 42,
    title: Title = "",
    encoding: Encoding = "",
    unit: Annotated[str, typer.Option("--unit", help="word or sentence.")] = "word",
    grade: Annotated[bool, typer.Option("--grade", help="Also say whether the explanation holds.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="A line of JSON for every refinement.")] = False,
    as_json: AsJson = False,
) -> None:
    """Weigh every word of an article: positive weights push towards fake."""
    from fakenews.engine.values import ExplanationRequest
    from fakenews.explain.agreement import by_sentence

    if unit not in ("word", "sentence"):
        raise ValueError(f"Unknown unit {unit!r}. Known: word, sentence.")
    engine, text = open_article(file, title, encoding)

    def in_units(explanation: Explanation) -> Explanation:
        return replace(explanation, attributions=by_sentence(explanation)) if unit == "sentence" else explanation

    request = ExplanationRequest(text, model, method, samples, seed)
    for step in engine.explainers.refine(request, progress(method)):
        if stream and (step.share < 1.0 or grade):
            typer.echo(_step_line(step.share, step.seconds_left, in_units(step.explanation)))
    explanation = step.explanation
    if grade:
        explanation = engine.explainers.grade(explanation, model, progress("grading"))
    explanation = in_units(explanation)
    if stream:
        return typer.echo(_step_line(1.0, 0.0, explanation))
    if as_json:
        return print_json(explanation.to_dict())
    parts = explanation.attributions
    strongest = sorted(parts, key=lambda a: -abs(a.weight))[:TOP_WORDS]
    for a in strongest:
        side = "fake" if a.weight > 0 else "real" if a.weight < 0 else "neither"
        typer.echo(f"{a.weight:+9.4f}  {side:<7}  {' '.join(text[a.start : a.end].split())}")
    typer.echo(
        f"{explanation.explainer} on {explanation.classifier}: log-odds of fake {explanation.log_odds:+.3f}, "
        f"{len(strongest)} strongest of {len(parts)} {unit}s, "
        f"seed {explanation.seed}, {explanation.seconds:.2f} s."
    )
    if explanation.stability is not None:
        typer.echo(f"Ranking {explanation.stability:.2f} stable between halves of the samples.")
    if grade:
        typer.echo(_grade_text(explanation))


@app.command()
def compare(
    file: File,
    model: Annotated[list[str] | None, typer.Option("--model", help="Model to compare; may be repeated.")] = None,
    method: Annotated[list[str] | None, typer.Option("--method", help="Method to compare; may be repeated.")] = None,
    title: Title = "",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Say how alike models and methods rank the words of an article, and which words they share."""
    engine, text = open_article(file, title, encoding)
    models = model or engine.pool.side_by_side
    agreement = engine.explainers.agreement(text, models, method, progress("comparing")).to_dict(text)
    if as_json:
        return print_json(agreement)
    for pair in agreement["pairs"]:
        typer.echo(f"{pair['rank_agreement']:+.2f}  {pair['first']} and {pair['second']}")
    typer.echo(f"Strong in all: {', '.join(dict.fromkeys(w['text'] for w in agreement['shared'])) or 'no word'}.")


@app.command("what-if")
def what_if(
    file: File,
    edited: Annotated[str | None, typer.Option("--edited", help="File with the text as it would be.")] = None,
    remove: Annotated[
        list[int] | None, typer.Option("--remove", help="Number of a sentence to take away, from 1; may be repeated.")
    ] = None,
    model: Models = None,
    title: Title = "",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Ask the models again after an edit, or without some sentences, and say what changed."""
    from fakenews.explain.counterfactual import without, worded_sentences

    if (edited is None) == (not remove):
        raise ValueError("Say what is edited: either --edited FILE or --remove NUMBER.")
    engine, text = open_article(file, title, encoding)
    if edited is not None:
        after = engine.judge.check(title, read_article(edited, encoding))
    else:
        spans = worded_sentences(text)
        for number in remove or ():
            if not 1 <= number <= len(spans):
                raise ValueError(f"Got --remove {number}: the article has sentences 1 to {len(spans)}.")
        after = without(text, [spans[number - 1] for number in remove or ()])
    comparison = engine.judge.what_if(text, after, model)
    if as_json:
        return print_json(comparison.to_dict())
    for before, now in zip(comparison.before, comparison.after, strict=True):
        typer.echo(
            f"{engine.pool.title(now.model)}: {before.p_fake:.1%} fake before, {now.p_fake:.1%} now, "
            f"log-odds {now.log_odds - before.log_odds:+.2f}. Now: {_verdict_line(now)}"
        )


@app.command()
def words(
    model: Model,
    data: Annotated[Path, typer.Option("--data", help="Labeled table: CSV, TSV, JSON or parquet.")],
    articles: Annotated[int, typer.Option("--articles", min=1, help="So many of them, drawn by the seed.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same articles.")] = 42,
    encoding: Encoding = "",
    fake: Fake = "",
    as_json: AsJson = False,
) -> None:
    """Say which words move a model across the articles of a table, and in how many they stand."""
    from fakenews.data.table import joined_texts, read_table

    frame = read_table(data, encoding, fake)
    texts = joined_texts(frame.sample(min(articles, len(frame)), random_state=seed))
    totals = open_engine().explainers.global_importance(texts, model, progress("weighing"))
    if as_json:
        return print_json({"model": model, "articles": len(texts), "words": [t.to_dict() for t in totals]})
    for t in totals[: 2 * TOP_WORDS]:
        side = "fake" if t.weight > 0 else "real"
        typer.echo(f"{t.weight:+9.4f}  {side:<5} in {t.articles:,} articles, {t.occurrences:,} times  {t.word}")
    typer.echo(f"{model}: mean log-odds a word adds to an article of the {len(texts):,} in which it stands.")


@app.command()
def flip(file: File, model: Model, title: Title = "", encoding: Encoding = "", as_json: AsJson = False) -> None:
    """Find the fewest sentences whose removal flips a model's prediction."""
    engine, text = open_article(file, title, encoding)
    flip_set = engine.explainers.minimal_counterfactual(text, model, progress("searching"))
    if as_json:
        return print_json(flip_set.to_dict(text))
    how = "every smaller set was tried" if flip_set.exact else "by beam search, so a smaller set may exist"
    for i in flip_set.removed:
        span = flip_set.sentences[i]
        typer.echo(f"{i + 1:>4}  {' '.join(text[span.start : span.end].split())}")
    outcome = (
        f"without {len(flip_set.removed)} of {len(flip_set.sentences)} sentences it says {flip_set.p_after:.1%} fake "
        f"instead of {flip_set.p_before:.1%}; {how}"
        if flip_set.removed
        else f"no set of its {len(flip_set.sentences)} sentences was found that flips {flip_set.p_before:.1%} fake"
    )
    typer.echo(f"{flip_set.model}: {outcome} ({flip_set.evaluations:,} samples, {flip_set.seconds:.1f} s).")


@app.command()
def extract(
    url: Annotated[str, typer.Argument(help="Address of an article, http or https.")],
    as_json: AsJson = False,
) -> None:
    """Fetch the article at a public address: title, empty line, text."""
    from fakenews import web

    article = web.read(url, Settings.from_environment().max_chars)
    if as_json:
        return print_json(article.to_dict())
    typer.echo(f"{article.title}\n\n{article.text}" if article.title else article.text)


def _verdict_line(prediction: Prediction) -> str:
    from fakenews.verdict import REASONS, VERDICTS, share_sentence

    reasons = "".join(f"; {REASONS[r]}" for r in prediction.reasons)
    figures = f"{prediction.p_fake:.1%} fake, log-odds {prediction.log_odds:+.2f}"
    measured = "" if prediction.share_fake is None else f" {share_sentence(prediction.share_fake)}"
    return f"{VERDICTS[prediction.verdict]} ({figures}){reasons}.{measured}"


def _formatting_text(test: FormattingTest) -> str:
    moved = [f"{o.edit} ({', '.join(o.moved)})" for o in test.edits if o.moved]
    tried = sum(o.changed for o in test.edits)
    return f"Of {tried} edits of formatting, {', '.join(moved) or 'none'} flipped a prediction."


def _step_line(share: float, seconds_left: float, explanation: Explanation) -> str:
    step = {"share": share, "seconds_left": round(seconds_left, 3), "explanation": explanation.to_dict()}
    return json.dumps(step, allow_nan=False)


def _grade_text(explanation: Explanation) -> str:
    grade = explanation.grade
    if grade is None:
        return "Grade: none, because taking words away hardly moves this score."
    return (
        f"Grade: {grade.level}, {grade.normalized:.2f} where random orders have 0 and the best order found has 1 "
        f"(comprehensiveness {grade.comprehensiveness:.2f} of {grade.random[0]:.2f} to {grade.best[0]:.2f}, "
        f"sufficiency {grade.sufficiency:.2f} of {grade.random[1]:.2f} to {grade.best[1]:.2f})."
    )
