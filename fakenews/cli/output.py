"""What the commands write: results on stdout; notes, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

USER_ERROR = 2


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
        note(sentence)
        raise typer.Exit(USER_ERROR)


def print_json(values: Mapping[str, Any]) -> None:
    """Print a result as JSON."""
    typer.echo(json.dumps(values, indent=2, allow_nan=False))


def note(message: str) -> None:
    """Print a sentence on stderr, beside the result."""
    typer.echo(message, err=True)


def rows_of(table: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table as lines, their columns one under the other."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def progress(task: str) -> Callable[[float], None] | None:
    """Return a callback that shows a percentage; None where stderr is not a terminal."""
    return (lambda share: show_status(f"{task} {share:.0%}", share)) if sys.stderr.isatty() else None


def show_status(line: str, share: float) -> None:
    """Replace the last line of stderr, and clear it when all is done."""
    typer.echo(f"\r\x1b[K{line if share < 1.0 else ''}", nl=False, err=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"Cannot use {error.filename or 'the file'}: {error.strerror.lower()}."
    return _ended(str(error) or type(error).__name__)


def _ended(message: str) -> str:
    """Return the first line of a message, with a full stop."""
    line = message.strip().partition("\n")[0].rstrip()
    return line if line.endswith((".", "?", "!")) else f"{line}."
