"""The commands: the same engine as page and API, read from files and written to the terminal.

Whatever a user gets wrong is one sentence on stderr and exit code 2. With `--json` stdout holds the JSON and nothing
else. Imports that take time are made inside the commands, so that `--help` answers at once.
"""

import typer

from fakenews.cli import articles, corpora, data, models, review_sets, score, serve, shares, space, training
from fakenews.cli.output import Commands

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Say what a news article resembles, the fake or the real class, and which words moved the verdict.",
)
data.app.add_typer(corpora.app)
data.app.add_typer(corpora.app)
for group in (articles, score, shares, training, models, serve):
    app.add_typer(group.app)
app.add_typer(data.app, name="data")
app.add_typer(review_sets.app, name="review-set")
app.add_typer(space.app, name="space")


def main() -> None:
    """Run the console script."""
    app()
