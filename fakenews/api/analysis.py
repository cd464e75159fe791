"""Endpoints about one text: verdict, explanation, comparison, what-if, smallest flip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fakenews import web
from fakenews.api import schemas
from fakenews.api.answers import LINES, Endpoint, Operation, in_lane, parse, streamed
from fakenews.api.refusal import Refusal
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token
from fakenews.engine.values import ExplanationRequest
from fakenews.explain.base import MAX_PLACES, Progress
from fakenews.explain.counterfactual import without
from fakenews.explain.registry import EXPLAINERS
from fakenews.schema import Span, Target

_SAMPLED = [spec for spec in EXPLAINERS.values() if spec.samples_name]
Method = Annotated[str, Field(json_schema_extra={"enum": list(EXPLAINERS)})]
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


class AnalyseRequest(BaseModel):
    """Body of `POST /api/v1/analyse`; without `models` the default ones are asked, with `formatting` also edited."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    models: list[str] | None = Field(default=None, min_length=1)
    formatting: bool = False


class ExplainRequest(BaseModel):
    """Body of `POST /api/v1/explain`; without `samples` the method's own number.

    With `grade` the answer also says whether the explanation holds. With `stream` it is one line of JSON for each
    refinement: `share` of the work done, `seconds_left`, and the `explanation` so far, the grade with the last.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    model: str
    method: Method
    samples: Samples | None = None
    seed: int = 42
    target: Target = "fake"
    grade: bool = False
    stream: bool = False


class WhatIfRequest(BaseModel):
    """Body of `POST /api/v1/what-if`: a text, and how it is edited.

    Either `edited`, the whole text as it would be, or `remove`, stretches of characters of title, empty line and text.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    edited: str | None = None
    remove: list[list[int]] = Field(default_factory=list, max_length=10_000)
    models: list[str] | None = Field(default=None, min_length=1)


class FlipRequest(BaseModel):
    """Body of `POST /api/v1/flip`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    model: str


class CompareRequest(BaseModel):
    """Body of `POST /api/v1/compare`: models and methods whose explanations are put side by side."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = ""
    text: str
    models: list[str] = Field(min_length=1)
    methods: list[Method] | None = Field(default=None, min_length=1)


class ExtractRequest(BaseModel):
    """Body of `POST /api/v1/extract`: the address of an article."""

    model_config = ConfigDict(strict=True, extra="forbid")

    url: str


def operations(engine: Engine) -> list[Operation]:
    """Return all endpoints about one text, each in its lane of the scheduler."""

    async def analyse(request: Request) -> Mapping[str, Any]:
        asked = parse(AnalyseRequest, await request.body())
        models = None if asked.models is None else known_models(engine, asked.models)

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            text = engine.judge.check(asked.title, asked.text)
            analysis = engine.judge.analyse(text, models, token=token)
            if asked.formatting:
                analysis = analysis.tested(engine.judge.formatting_test(text, models))
            return analysis.to_dict()

        return await in_lane(engine.scheduler, Lane.VERDICT, request, work)

    async def explain(request: Request) -> Mapping[str, Any] | Response:
        asked = parse(ExplainRequest, await request.body())
        (model,) = known_models(engine, [asked.model])
        text = await run_in_threadpool(engine.judge.check, asked.title, asked.text)
        wanted = ExplanationRequest(text, model, asked.method, asked.samples, asked.seed, asked.target)

        def steps(progress: Progress) -> Iterator[Mapping[str, Any]]:
            for step in engine.explainers.refine(wanted, progress):
                explanation = step.explanation
                if step.share >= 1.0 and asked.grade:
                    if asked.stream:
                        yield {"share": 1.0, "seconds_left": None, "explanation": explanation.to_dict()}
                    explanation = engine.explainers.grade(explanation, model, progress)
                yield {
                    "share": step.share,
                    "seconds_left": round(step.seconds_left, 3),
                    "explanation": explanation.to_dict(),
                }

        if asked.stream:
            return await streamed(engine.scheduler, request, steps)

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            *_, last = steps(progress)
            explanation: Mapping[str, Any] = last["explanation"]
            return explanation

        return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)

    async def what_if(request: Request) -> Mapping[str, Any]:
        asked = parse(WhatIfRequest, await request.body())
        if (asked.edited is None) == (not asked.remove):
            raise InputError('Say what is edited: either "edited", the whole text, or "remove", stretches of it.')
        models = None if asked.models is None else known_models(engine, asked.models)

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            text = engine.judge.check(asked.title, asked.text)
            edited = without(text, spans_of(asked.remove, text)) if asked.edited is None else asked.edited
            return engine.judge.what_if(text, edited, models).to_dict()

        return await in_lane(engine.scheduler, Lane.VERDICT, request, work)

    async def flip(request: Request) -> Mapping[str, Any]:
        asked = parse(FlipRequest, await request.body())
        (model,) = known_models(engine, [asked.model])
        text = await run_in_threadpool(engine.judge.check, asked.title, asked.text)

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            return engine.explainers.minimal_counterfactual(text, model, progress).to_dict(text)

        return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)

    async def compare(request: Request) -> Mapping[str, Any]:
        asked = parse(CompareRequest, await request.body())
        models = known_models(engine, asked.models)
        text = await run_in_threadpool(engine.judge.check, asked.title, asked.text)

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            return engine.explainers.agreement(text, models, asked.methods, progress).to_dict(text)

        return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)

    async def extract(request: Request) -> Mapping[str, Any]:
        asked = parse(ExtractRequest, await request.body())
        if not engine.settings.url_fetch:
            raise Refusal(404, "Articles are not fetched by their address here: send the text itself.")

        def work(progress: Progress, token: Token) -> Mapping[str, Any]:
            return web.read(asked.url, engine.settings.max_chars).to_dict()

        return await in_lane(engine.scheduler, Lane.EXPLANATION, request, work)

    def of_text(name: str, summary: str, endpoint: Endpoint, answer: Any, body: type[BaseModel]) -> Operation:
        also = {LINES: schemas.Step} if name == "explain" else {}
        return Operation("POST", f"/api/v1/{name}", summary, endpoint, answer, body, also)

    return [
        of_text("extract", "Title and text of the article at an address.", extract, web.Article, ExtractRequest),
        of_text("analyse", "What models say of a text.", analyse, schemas.Analysis, AnalyseRequest),
        of_text("explain", "How far each word moved a model.", explain, schemas.Explanation, ExplainRequest),
        of_text("what-if", "What an edit changes.", what_if, schemas.WhatIf, WhatIfRequest),
        of_text("flip", "The fewest sentences whose removal turns it round.", flip, schemas.Flip, FlipRequest),
        of_text("compare", "How alike explanations rank the words.", compare, schemas.Comparison, CompareRequest),
    ]


def spans_of(pairs: Sequence[Sequence[int]], text: str) -> list[Span]:
    """Stretches of `text` from pairs of characters.

    Raises
    ------
    InputError
        If one is not [start, end] within the text.
    """
    for pair in pairs:
        if len(pair) != 2 or not 0 <= pair[0] < pair[1] <= len(text):
            raise InputError(f"Got the stretch {list(pair)[:4]}: each is [start, end] within 0 to {len(text)}.")
    return [Span(start, end) for start, end in pairs]


def known_models(engine: Engine, models: Sequence[str]) -> tuple[str, ...]:
    """Return the models without repeats; only names of models here, since a folder would be one of the server's."""
    for model in models:
        if model not in engine.pool.models:
            raise InputError(f"Unknown model {model[:40]!r}. Here: {', '.join(engine.pool.models) or 'none'}.")
    return tuple(dict.fromkeys(models))
