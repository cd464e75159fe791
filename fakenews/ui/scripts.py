"""Scripts that run in the visitor's browser: each a file in `assets/` that holds one function."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from functools import cache
from pathlib import Path

ASSETS = Path(__file__).with_name("assets")


def script(name: str, **data: object) -> str:
    """Return the function of a script without its comments; its first argument is `data`, where there is any."""
    source = _source(f"{name}.js")
    return f"(...values) => ({source})({json.dumps(data)}, ...values)" if data else source


def on_load(name: str, **data: object) -> str:
    """Return a script for `js_on_load`: its function is called with the data, the element and `trigger`."""
    return f"({script(name, **data)})(element, trigger);"


@cache
def policy_of(code: str) -> str:
    """Return the content security policy of a page: the script `code` and no other, requests to its server alone."""
    digest = b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://huggingface.co"
    )


@cache
def _source(file: str) -> str:
    source = (ASSETS / file).read_text(encoding="utf-8")
    return re.sub(r"(^|[ \t]{2,})//[ \t].*\n", "\n", source, flags=re.M).strip()
