"""`python -m experiments NAME …`: train every recipe, measure models under protocols, write tables and cards."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fakenews.config import Settings

USER_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what a user got wrong is one sentence on stderr and exit code 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except (KeyError, IndexError, BrokenPipeError):
        raise  # a fault of ours, or of nobody
    except (ValueError, LookupError, OSError, ModuleNotFoundError) as error:
        sentence = str(error)
        if isinstance(error, OSError) and error.strerror:
            sentence = f"Cannot use {error.filename or 'the file'}: {error.strerror.lower()}."
        parser.exit(USER_ERROR, f"{sentence}\n")


def train(options: argparse.Namespace) -> None:
    """Train a model, calibrate it, and measure it on held-out articles and every other corpus here."""
    from experiments.protocols import train_under
    from experiments.recipes import Distillation, get
    from experiments.run import run
    from fakenews.training.job import Job
    from fakenews.training.run import summary

    settings, recipe = Settings.from_environment(), get(options.recipe)
    first, *more = options.data or [_first_corpus(settings)]
    if options.protocol and options.out is None:
        raise ValueError("What is trained for one protocol does not replace a model: give --out a folder of its own.")
    if more and (options.encoding or options.fake):
        raise ValueError("--encoding and --fake are for a single table: split each with fakenews data split first.")
    if options.teacher:
        if not isinstance(recipe.settings, Distillation):
            raise ValueError(f"The recipe {recipe.name} has no teacher.")
        teacher = replace(recipe.settings.teacher, base=options.teacher)
        recipe = replace(recipe, settings=replace(recipe.settings, teacher=teacher))
    out = options.out or settings.models / recipe.model
    _log(f"{recipe.title}: from {', '.join(map(str, (first, *more)))} into {out}")
    job = Job(
        recipe.name, first, out, options.base, options.epochs, options.max_steps, options.resume, settings.data,
        more=tuple(more), leave_out=options.leave_out, encoding=options.encoding, fake=options.fake,
    )  # fmt: skip
    if options.protocol:
        train_under(options.protocol, job, _log, recipe)
        measure = f"evaluate --model {recipe.model} --protocol {options.protocol} --weights {out}"
        print(f"Measure it: python -m experiments {measure}")
        return
    evidence = run(job, _log, recipe)
    print(*summary(evidence, options.fake), f"{evidence.model} is in {out}.", sep="\n")


def evaluate(options: argparse.Namespace) -> None:
    """Measure a model under protocols; the results go into its folder."""
    from experiments.protocols import measure_protocols
    from fakenews.classifiers import store
    from fakenews.training.run import figures

    settings = Settings.from_environment()
    first, *more = options.data or [_first_corpus(settings)]
    stored = store.find(options.model, settings.models)
    evidence = measure_protocols(
        stored, options.protocol, first, settings.data, options.weights, settings.device, _log, more
    )
    if options.json:
        print(json.dumps(evidence.to_dict(), indent=2, allow_nan=False))
        return
    for name, result in evidence.protocols.items():
        for part, evaluation in result.corpora.items():
            print(f"{name}  {part}: {figures(evaluation)}")


def neighbors(options: argparse.Namespace) -> None:
    """Place the held-out articles of all corpora here, for the track record on text like a new one."""
    from experiments.neighbors import fit_neighbors, held_out_articles
    from fakenews.data.table import joined_texts
    from fakenews.engine import Engine
    from fakenews.engine.evidence_store import NEIGHBORS_FOLDER
    from fakenews.similar.neighbors import FILE

    engine = Engine.open(Settings.from_environment())
    articles = held_out_articles(engine.evidence.all_predictions(), engine.settings.data)
    if not len(articles):
        raise ValueError("No held-out articles are here: set FAKENEWS_DATA to the folder of the corpora.")
    out = options.out or engine.settings.models / NEIGHBORS_FOLDER
    fit_neighbors(joined_texts(articles), articles["id"].tolist(), articles["corpus"].tolist()).save(out)
    sizes = ", ".join(f"{n:,} of {corpus}" for corpus, n in articles["corpus"].value_counts().items())
    print(f"{out / FILE}: {(out / FILE).stat().st_size / 1e6:.1f} MB, {len(articles):,} articles: {sizes}.")


def report(options: argparse.Namespace) -> None:
    """Rewrite the results in README and docs and the model cards from the committed evaluations."""
    from experiments.evidence import bring_up_to_date, recompute
    from experiments.oracle import oracle_auc_left_out
    from experiments.recipes import get
    from experiments.tables import RESULTS, SUMMARY, replace_results, results_table, summary_table
    from fakenews.classifiers import model_folder
    from fakenews.engine import Engine
    from fakenews.evidence.files import read_evaluation
    from fakenews.reporting.card import write_model_card

    engine = Engine.open(Settings.from_environment())
    folders = [engine.settings.models / model for model in engine.pool.models]
    for folder in folders:
        bring_up_to_date(folder)
        if options.recompute:
            recompute(folder)
        print(f"{write_model_card(folder, get(model_folder.settings(folder)['recipe']).card)} written.")
    evidences = [read_evaluation(folder) for folder in folders]
    tables = (
        (options.readme, SUMMARY, summary_table(evidences)),
        (options.page, RESULTS, results_table(evidences, oracle_auc_left_out(folders))),
    )
    for path, part, table in tables:
        path.write_text(replace_results(path.read_text(encoding="utf-8"), part, table), encoding="utf-8")
        print(f"{path} written.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    commands = parser.add_subparsers(metavar="NAME", required=True)

    command = commands.add_parser("train", help=train.__doc__)
    command.set_defaults(command=train)
    command.add_argument("recipe", help="any recipe of docs/commands.md")
    command.add_argument("--data", type=Path, action="append", help="table; may be repeated, ISOT first")
    command.add_argument("--leave-out", default="", help="corpus among these not to train on but to measure")
    command.add_argument("--out", type=Path, help="folder; models/MODEL if left out")
    command.add_argument("--base", help="Hub id or folder instead of the recipe's base")
    command.add_argument("--teacher", help="Hub id or folder instead of the recipe's teacher")
    command.add_argument("--epochs", type=float, help="instead of the recipe's")
    command.add_argument("--max-steps", type=int, help="cut every stage short")
    command.add_argument("--resume", action="store_true", help="take up the last checkpoint")
    command.add_argument("--protocol", default="", help='train for it alone, for "evaluate --weights"; needs --out')
    command.add_argument("--encoding", default="", help="of the table, such as cp1251; detected if left out")
    command.add_argument("--fake", default="", help="label that means fake; 0, fake or false if left out")

    command = commands.add_parser("evaluate", help=evaluate.__doc__)
    command.set_defaults(command=evaluate)
    command.add_argument("--model", required=True, help="name of a model, or its folder")
    command.add_argument("--data", type=Path, action="append", help="table it was trained on; may be repeated")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--protocol", action="append", help="measure under it; may be repeated")
    which.add_argument("--all", action="store_true", help="measure under every protocol the model can answer")
    command.add_argument("--weights", type=Path, help="folder of the model trained under the one protocol")
    command.add_argument("--json", action="store_true", help="print JSON")

    command = commands.add_parser("neighbors", help=neighbors.__doc__)
    command.set_defaults(command=neighbors)
    command.add_argument("--out", type=Path, help="folder; models/neighbours if left out")

    command = commands.add_parser("report", help=report.__doc__)
    command.set_defaults(command=report)
    command.add_argument("--readme", type=Path, default=Path("README.md"), help="page with the summary")
    command.add_argument("--page", type=Path, default=Path("docs/evaluation.md"), help="page with all results")
    command.add_argument("--recompute", action="store_true", help="compute the metrics from the predictions first")
    return parser


def _first_corpus(settings: Settings) -> Path:
    if settings.data is None:
        raise ValueError("No data to train on: give --data, or set FAKENEWS_DATA to the folder of isot.parquet.")
    return settings.data / "isot.parquet"


def _log(message: str) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    main()
