"""Endpoints about one text: verdict, explanation, comparison, what-if, minimal counterfactual."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.concurrency import run_in_threadpool

from fakenews import web
from fakenews.api import schemas
from fakenews.api.answers import LINES, CurrentEngine, api_router, in_lane, streamed
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.engine.values import ExplanationRequest
from fakenews.explain.base import MAX_PLACES, Progress
from fakenews.explain.counterfactual import without
from fakenews.explain.registry import EXPLAINERS
from fakenews.schema import Span, Target
from fakenews.text import utf16_offsets

_SAMPLED = [spec for spec in EXPLAINERS.values() if spec.samples_name]
Method = Annotated[
    str,
    Field(
        description="Explainer; a name that ends in -library is the stock package, which takes minutes.",
        json_schema_extra={"enum": list(EXPLAINERS)},
    ),
]
Samples = Annotated[
    int,
    Field(
        description="; ".join(f"{s.name}: {s.min_samples} to {s.max_samples:,} {s.samples_name}" for s in _SAMPLED)
        + f"; times the words of the text {MAX_PLACES:,} at most",
        json_schema_extra={
            "minimum": min(s.min_samples or 0 for s in _SAMPLED),
            "maximum": max(s.max_samples or 0 for s in _SAMPLED),
        },
    ),
]


Offsets = Annotated[
    Literal["code points", "utf-16"],
    Field(description="How characters are counted: as in Python, or as in JavaScript and Java."),
]


router = api_router()


class Body(BaseModel):
    """Body of a request, which has no fields but its own."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ArticleBody(Body):
    """Body of a request about an article."""

    title: str = ""
    text: str


class AnalyseRequest(ArticleBody):
    """Body of `POST /api/v1/analyse`; without `models` the default ones are asked, with `formatting` also edited."""

    models: list[str] | None = Field(default=None, min_length=1)
    formatting: bool = False


class ExplainRequest(ArticleBody):
    """Body of `POST /api/v1/explain`; without `samples` the method's own number.

    With `grade` the answer also says whether the explanation holds. With `stream` it is one line of JSON for each
    refinement: `share` of the work done, `seconds_left`, and the `explanation` so far, the grade with the last.
    """

    model: str
    method: Method
    samples: Samples | None = None
    seed: int = 42
    target: Target = "fake"
    grade: bool = False
    stream: bool = False
    offsets: Offsets = "code points"


class WhatIfRequest(ArticleBody):
    """Body of `POST /api/v1/what-if`: a text, and how it is edited.

    Either `edited`, the whole text as it would be, or `remove`, stretches of characters of title, empty line and text.
    """

    edited: str | None = None
    remove: list[list[int]] = Field(default_factory=list, max_length=10_000)
    models: list[str] | None = Field(default=None, min_length=1)
    offsets: Offsets = "code points"


class FlipRequest(ArticleBody):
    """Body of `POST /api/v1/flip`."""

    model: str
    offsets: Offsets = "code points"


class CompareRequest(ArticleBody):
    """Body of `POST /api/v1/compare`: models and methods whose explanations are put side by side."""

    models: list[str] = Field(min_length=1)
    methods: list[Method] | None = Field(default=None, min_length=1)
    offsets: Offsets = "code points"


class ExtractRequest(Body):
    """Body of `POST /api/v1/extract`: the address of an article."""

    url: str


def _schema(kind: Any) -> dict[str, Any]:
    """Return the schema of a type whose parts are in the document already."""
    schema = TypeAdapter(kind).json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return schema


@router.post("/extract", response_model=web.Article)
async def extract(body: ExtractRequest, request: Request, engine: CurrentEngine) -> Any:
    """Return title and text of the article at an address."""
    if not engine.settings.url_fetch:
        raise HTTPException(404, "Articles are not fetched by their address here: send the text itself.")

    def work(progress: Progress, token: Token) -> Mapping[str, Any]:
        return web.read(body.url, engine.settings.max_chars).to_dict()

    return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)


@router.post("/analyse", response_model=schemas.Analysis)
async def analyse(body: AnalyseRequest, request: Request, engine: CurrentEngine) -> Any:
    """Ask models about a text."""
    models = None if body.models is None else known_models(engine, body.models)

    def work(progress: Progress, token: Token) -> Mapping[str, Any]:
        text = engine.judge.check(body.title, body.text)
        analysis = engine.judge.analyse(text, models, token=token)
        if body.formatting:
            analysis = analysis.tested(engine.judge.formatting_test(text, models))
        return analysis.to_dict()

    return await in_lane(engine.scheduler, Lane.VERDICT, request, work)


@router.post(
    "/explain",
    response_model=schemas.Explanation,
    responses={200: {"content": {LINES: {"schema": _schema(schemas.Step)}}}},
)
async def explain(body: ExplainRequest, request: Request, engine: CurrentEngine) -> Any:
    """Weigh how far each word moved a model."""
    (model,) = known_models(engine, [body.model])
    text = await run_in_threadpool(engine.judge.check, body.title, body.text)
    wanted = ExplanationRequest(text, model, body.method, body.samples, body.seed, body.target)

    counted = counting(body.offsets, text)

    def steps(progress: Progress) -> Iterator[Mapping[str, Any]]:
        for step in engine.explainers.refine(wanted, progress):
            explanation = step.explanation
            if step.share >= 1.0 and body.grade:
                if body.stream:
                    yield {"share": 1.0, "seconds_left": None, "explanation": counted(explanation.to_dict())}
                explanation = engine.explainers.grade(explanation, model, progress)
            yield {
                "share": step.share,
                "seconds_left": round(step.seconds_left, 3),
                "explanation": counted(explanation.to_dict()),
            }

    if body.stream:
        return await streamed(engine.scheduler, request, steps)

    def work(progress: Progress, token: Token) -> Any:
        *_, last = steps(progress)
        return last["explanation"]

    return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)


@router.post("/what-if", response_model=schemas.WhatIf)
async def what_if(body: WhatIfRequest, request: Request, engine: CurrentEngine) -> Any:
    """Ask models about a text and an edit of it."""
    if (body.edited is None) == (not body.remove):
        raise InputError('Say what is edited: either "edited", the whole text, or "remove", stretches of it.')
    models = None if body.models is None else known_models(engine, body.models)

    def work(progress: Progress, token: Token) -> Mapping[str, Any]:
        text = engine.judge.check(body.title, body.text)
        edited = without(text, spans_of(body.remove, text, body.offsets)) if body.edited is None else body.edited
        return engine.judge.what_if(text, edited, models).to_dict()

    return await in_lane(engine.scheduler, Lane.VERDICT, request, work)


@router.post("/flip", response_model=schemas.Flip)
async def flip(body: FlipRequest, request: Request, engine: CurrentEngine) -> Any:
    """Find the fewest sentences whose removal flips a model's prediction."""
    (model,) = known_models(engine, [body.model])
    text = await run_in_threadpool(engine.judge.check, body.title, body.text)

    def work(progress: Progress, token: Token) -> Any:
        flip = engine.explainers.minimal_counterfactual(text, model, progress)
        return counting(body.offsets, text)(flip.to_dict(text))

    return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)


@router.post("/compare", response_model=schemas.Comparison)
async def compare(body: CompareRequest, request: Request, engine: CurrentEngine) -> Any:
    """Compare how models and methods rank the words."""
    models = known_models(engine, body.models)
    text = await run_in_threadpool(engine.judge.check, body.title, body.text)

    def work(progress: Progress, token: Token) -> Any:
        agreement = engine.explainers.agreement(text, models, body.methods, progress)
        return counting(body.offsets, text)(agreement.to_dict(text))

    return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)


def spans_of(pairs: Sequence[Sequence[int]], text: str, offsets: Offsets = "code points") -> list[Span]:
    """Return stretches of `text` from pairs of characters, counted as `offsets` says.

    Raise `InputError` if one is not [start, end] within the text.
    """
    known = utf16_offsets(text) if offsets == "utf-16" else np.arange(len(text) + 1)
    length = int(known[-1])
    for pair in pairs:
        if len(pair) != 2 or not 0 <= pair[0] < pair[1] <= length:
            raise InputError(f"Got the stretch {list(pair)[:4]}: each is [start, end] within 0 to {length}.")
    return [Span(*(int(np.searchsorted(known, offset)) for offset in pair)) for pair in pairs]


def counting(offsets: Offsets, text: str) -> Callable[[Any], Any]:
    """Return a function that counts each "start" and "end" of a JSON value as `offsets` says."""
    if offsets == "code points":
        return lambda value: value
    known = utf16_offsets(text).tolist()

    def count(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [count(part) for part in value]
        if isinstance(value, Mapping):
            return {k: known[v] if k in ("start", "end") else count(v) for k, v in value.items()}
        return value

    return count


def known_models(engine: Engine, models: Sequence[str]) -> tuple[str, ...]:
    """Return the models without repeats; only names of models here, since a folder would be one of the server's."""
    for model in models:
        if not engine.pool.has(model):
            raise InputError(f"Unknown model {model[:40]!r}. Here: {', '.join(engine.pool.models) or 'none'}.")
    return tuple(dict.fromkeys(models))
