"""What nobody should send, and somebody will."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

_PIECES = st.sampled_from(
    [
        "The mayor said the lizard was on the road today. ",
        "WASHINGTON (Reuters) - ",
        "\x00", "\ud800", "\udfff", "\ufeff", "\u202e", "\u2066", "\u200d", "\u00ad", "\r\n", "\u2028", "\x85",
        "👩‍👩‍👧‍👦", "ﷺ", "Z̸̧̛͓a̷l̴g̵o̶", "İı", "ß", "ﬁ", "①", "½", "٣", "市议会投票", "قال",
        "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "%s%n", "'; DROP TABLE shares;--", "=cmd|' /C calc'!A0",
        "[MASK]", "[SEP]", "<|endoftext|>", "http://127.0.0.1/", "@someone", "\\u0000", "\\", '"', "`", "&lt;", "\t",
        "couldn’t", "“No,” he said", "U.S.", "...", "…", "—", "x" * 600,
    ]
)  # fmt: skip
TEXTS = st.lists(_PIECES | st.text(max_size=20), max_size=40).map("".join) | st.text(max_size=300)
_SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from(["tfidf", "linear", "shap", "fake"])
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_SPAN = st.lists(st.integers(-5, 400), min_size=0, max_size=3)
_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "models": st.lists(st.sampled_from(["tfidf", "tinybert", "../tfidf"]), max_size=3),
    "model": st.just("tfidf"),
    "method": st.sampled_from(["linear", "lime", "shap", "gradient", "LIME"]),
    "methods": st.lists(st.sampled_from(["linear", "lime", "shap"]), max_size=3),
    "samples": st.integers(-1, 60),
    "seed": st.integers(-1, 2**33),
    "target": st.sampled_from(["fake", "real", "true"]),
    "stream": st.booleans(),
    "grade": st.booleans(),
    "formatting": st.booleans(),
    "edited": TEXTS,
    "remove": st.lists(_SPAN, max_size=4),
    "url": st.sampled_from(["http://10.0.0.1/", "file:///etc/passwd", "gopher://x", "http://[::1]/"]) | TEXTS,
    "blind": st.booleans(),
    "redacted": st.booleans(),
    "days": st.integers(-1, 100),
    "explanations": st.lists(VALUES, max_size=3),
    "form": st.sampled_from(["html", "json", "csv", "pdf"]),
    "name": TEXTS,
    "verdict": st.sampled_from(["fake", "real", "unsure", ""]),
    "agree": st.dictionaries(st.sampled_from(["tfidf", "x"]), st.booleans() | st.none(), max_size=2),
    "spans": st.lists(_SPAN, max_size=4),
    "comment": TEXTS,
    "review": TEXTS,
}
# Any of the fields of the API, as they should be or not.
_FIELDS = st.fixed_dictionaries({}, optional={name: known | VALUES for name, known in _KNOWN.items()})
_FEW = st.dictionaries(st.sampled_from(sorted(_KNOWN)), VALUES, max_size=3)
_RIGHT = st.lists(st.sampled_from(sorted(_KNOWN)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _KNOWN[name] for name in names})
)
_OBJECTS = st.builds(lambda text, rest: {"text": text, **rest}, TEXTS, _FIELDS | _FEW | _RIGHT)
BODIES = (
    st.binary(max_size=400)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | _OBJECTS.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda value, cut: json.dumps(value).encode()[:cut], _OBJECTS, st.integers(0, 300))
)
