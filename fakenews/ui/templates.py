"""Templates of the page: one environment, which escapes whatever it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fakenews.verdict import UNDECIDED

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.globals["undecided"] = tuple(round(100 * bound) for bound in UNDECIDED)


def draw(file: str, macro: str, **values: Any) -> Markup:
    """Return what a macro of `templates/<file>.html` makes of the values.

    Every string is escaped unless it is `Markup`, as what this returns is: one piece can be given to another.
    """
    return Markup(getattr(_ENVIRONMENT.get_template(f"{file}.html").module, macro)(**values))
