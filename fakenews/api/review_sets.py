"""Endpoints about review sets: make one, review it, read its results, close, extend and delete it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from fakenews.api import schemas
from fakenews.api.analysis import ArticleBody, Body, known_models
from fakenews.api.answers import CurrentEngine, CurrentPreparer, api_router, stored
from fakenews.api.shares import Days, ExpiryRequest, Opinion, OwnerKey, Pair
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.review_sets.exports import read as read_results
from fakenews.review_sets.picking import SAMPLES, N, Sample, pick
from fakenews.review_sets.sampling import SEED
from fakenews.review_sets.values import MAX_ARTICLES, Answer, NewItem
from fakenews.schema import Span, Target
from fakenews.share.links import base_address
from fakenews.share.store import DAYS
from fakenews.ui.set_report import written

router = api_router()

Format = Literal["json", "csv", "jsonl", "html"]


class SetArticle(ArticleBody):
    """An article of a set; `label` is what it is known to be."""

    label: Target | None = None


class ArticlesRequest(Body):
    """Body of `POST /api/v1/review-sets/ID/articles`: articles to be added."""

    articles: list[SetArticle] = Field(min_length=1, max_length=MAX_ARTICLES)


class SampleRequest(Body):
    """`n` articles of a corpus: those that `model` gets wrong, random ones, or as many of each label or cell.

    With a `model` they are drawn from its stored answers, or from one `split` of them.
    """

    by: Annotated[str, Field(json_schema_extra={"enum": list(SAMPLES)})]
    n: int = Field(default=N, ge=1, le=MAX_ARTICLES)
    seed: int = Field(default=SEED, ge=0)
    model: str = ""
    split: str = ""


class SetRequest(Body):
    """Body of `POST /api/v1/review-sets`: either `articles`, or a `corpus` with `ids` or a `sample` of it.

    With `blind` reviewers give their own verdict before they see the models'. Without `keep_text` only the ids of the
    articles of a corpus are stored, not their words; left out, that depends on its license. The set lives `days`;
    `owner` is the key of an earlier one.
    """

    title: str
    instructions: str = ""
    blind: bool = True
    days: Days = DAYS[-1]
    owner: str = ""
    models: list[str] | None = Field(default=None, min_length=1)
    articles: list[SetArticle] | None = Field(default=None, min_length=1, max_length=MAX_ARTICLES)
    corpus: str = ""
    ids: list[str] | None = Field(default=None, min_length=1, max_length=MAX_ARTICLES)
    sample: SampleRequest | None = None
    keep_text: bool | None = None


class NameRequest(Body):
    """Body of `POST /api/v1/review-sets/ID/reviewers`; with a `key` made before, asking twice begins one review."""

    name: str
    key: str = ""


class AnswerRequest(Body):
    """Body of `PUT /api/v1/review-sets/ID/answers/NUMBER`.

    In a blind set the first `verdict` stands with its `confidence` (1 to 5) and `seconds`; `after` is the verdict with
    the models' answers in sight. `spans` are pairs of characters.
    """

    verdict: Opinion
    confidence: int | None = None
    seconds: float | None = None
    after: Opinion | None = None
    spans: list[Pair] = Field(default_factory=list)
    comment: str = ""


class StateRequest(Body):
    """Body of `POST /api/v1/review-sets/ID/state`: whether the set takes no more answers."""

    closed: bool


def _reviewer_key(
    credentials: Annotated[
        HTTPAuthorizationCredentials | None,
        Depends(
            HTTPBearer(auto_error=False, scheme_name="ReviewerKey", description="The key that a review began with.")
        ),
    ],
) -> str:
    """Return the key that a reviewer sends."""
    if credentials is None or not credentials.credentials.strip():
        raise HTTPException(401, 'This takes the reviewer\'s key, sent as "Authorization: Bearer KEY".')
    return credentials.credentials.strip()


ReviewerKey = Annotated[str, Depends(_reviewer_key)]


def _checked(engine: Engine, articles: Sequence[SetArticle]) -> list[NewItem]:
    """Return articles as a set takes them; raise `InputError`, which names the one that cannot be analyzed."""
    found = []
    for number, article in enumerate(articles, 1):
        try:
            found.append(NewItem(engine.judge.check(article.title, article.text), article.label))
        except InputError as error:
            raise InputError(f"Article {number}: {error}") from None
    return found


def _picked(engine: Engine, body: SetRequest) -> list[NewItem]:
    """Return the articles of a new set."""
    if body.articles is not None:
        if body.corpus or body.ids is not None or body.sample is not None:
            raise InputError("Give either articles, or a corpus with ids or a sample.")
        if body.keep_text is False:
            raise InputError("Only articles of a corpus can be kept by their ids: keep the texts of these.")
        return _checked(engine, body.articles)
    if not body.corpus or (body.ids is None) == (body.sample is None):
        raise InputError("Give articles, or a corpus with either ids or a sample.")
    wanted = body.ids if body.sample is None else Sample(**body.sample.model_dump())
    try:
        return list(pick(engine, body.corpus, wanted or (), body.keep_text)[0])
    except (ValueError, LookupError) as error:  # an unknown corpus, or one whose texts are not here
        raise InputError(str(error)) from None


@router.post("/review-sets", response_model=schemas.Link)
async def create(body: SetRequest, request: Request, engine: CurrentEngine, preparer: CurrentPreparer) -> Any:
    """Make a set; its articles are analyzed in the background."""
    models = () if body.models is None else known_models(engine, body.models)
    items = await run_in_threadpool(_picked, engine, body)
    named = body.model_dump(include={"title", "instructions", "blind", "days", "owner"})
    link = await stored(partial(preparer.sets.create, items, models=models, **named))
    preparer.wake()
    return link.to_dict(base_address(engine.settings.public_url, request.base_url))


@router.get("/review-sets", response_model=schemas.Sets)
async def owned(owner: OwnerKey, preparer: CurrentPreparer) -> Any:
    """List the sets under an owner's key, the latest first."""
    found = await stored(preparer.sets.owned, owner)
    return {"sets": [{**each.to_dict(), "n_reviewers": n_reviewers} for each, n_reviewers in found]}


@router.get("/review-sets/{id}", response_model=schemas.ReviewSet)
async def read(id: str, preparer: CurrentPreparer) -> Any:
    """Return what anyone with the link may see, and how many articles have yet to be analyzed."""
    return (await stored(preparer.sets.get, id)).to_dict()


@router.post("/review-sets/{id}/articles", response_model=schemas.ReviewSet)
async def add(id: str, body: ArticlesRequest, owner: OwnerKey, engine: CurrentEngine, preparer: CurrentPreparer) -> Any:
    """Add articles; reviewers see each once it is analyzed."""
    items = await run_in_threadpool(_checked, engine, body.articles)
    await stored(preparer.sets.add, owner, id, items)
    preparer.wake()
    return (await stored(preparer.sets.get, id)).to_dict()


@router.post("/review-sets/{id}/reviewers", response_model=schemas.BegunSet)
async def begin(id: str, body: NameRequest, preparer: CurrentPreparer) -> Any:
    """Begin a review of a set."""
    return {"reviewer": await stored(preparer.sets.begin, id, body.name, body.key)}


@router.get("/review-sets/{id}/reviewer", response_model=schemas.Reviewer)
async def reviewer(id: str, key: ReviewerKey, preparer: CurrentPreparer) -> Any:
    """Return a reviewer's order of articles, and all answers so far."""
    found = await stored(preparer.sets.reviewer, id, key)
    return {
        **{name: getattr(found, name) for name in ("number", "name", "begun")},
        "order": list(found.order),
        "answers": [answer.to_dict() for _, answer in sorted(found.answers.items())],
    }


@router.get("/review-sets/{id}/articles/{number}", response_model=schemas.SetArticle)
async def article(id: str, number: int, key: ReviewerKey, preparer: CurrentPreparer) -> Any:
    """Return an article as this reviewer may see it: in a blind set without the models' answers before the own one."""

    def work() -> dict[str, Any]:
        shown = preparer.sets.shown(id, key, number)
        return {"number": shown.number, "text": shown.text, "snapshot": shown.values, "problem": shown.problem}

    return await stored(work)


@router.put("/review-sets/{id}/answers/{number}", response_model=schemas.SetAnswer)
async def answer(id: str, number: int, body: AnswerRequest, key: ReviewerKey, preparer: CurrentPreparer) -> Any:
    """Store what a reviewer says of an article, in place of what was said before; sent twice it is stored once."""
    said = Answer(number, **{**body.model_dump(), "spans": tuple(Span(start, end) for start, end in body.spans)})
    return (await stored(preparer.sets.answer, id, key, said)).to_dict()


_MEDIA = {"json": "application/json", "csv": "text/csv", "jsonl": "application/x-ndjson", "html": "text/html"}
_FILES = {media: {"schema": {"type": "string"}} for media in _MEDIA.values() if media != _MEDIA["json"]}


@router.get("/review-sets/{id}/results", response_model=schemas.Results, responses={200: {"content": _FILES}})
async def results(
    id: str,
    owner: OwnerKey,
    preparer: CurrentPreparer,
    format: Annotated[Format, Query(description="JSON, a line for each answer as CSV or JSONL, or a report.")] = "json",
) -> Response:
    """Return all articles, reviewers and answers of a set, and what they come to."""
    found, weights = await stored(read_results, preparer.sets, owner, id)
    content = await run_in_threadpool(written, found, weights, format)
    headers = {"cache-control": "no-store"}
    if format != "json":
        headers["content-disposition"] = f'attachment; filename="review-set.{format}"'
    return Response(content, media_type=_MEDIA[format], headers=headers)


@router.post("/review-sets/{id}/state", response_model=schemas.ReviewSet)
async def state(id: str, body: StateRequest, owner: OwnerKey, preparer: CurrentPreparer) -> Any:
    """Take no more answers, or take them again."""
    await stored(preparer.sets.close, owner, id, body.closed)
    return (await stored(preparer.sets.get, id)).to_dict()


@router.post("/review-sets/{id}/expiry", response_model=schemas.Expiry)
async def expiry(id: str, body: ExpiryRequest, owner: OwnerKey, preparer: CurrentPreparer) -> Any:
    """Let a set live longer or shorter."""
    return {"expires": await stored(preparer.sets.expire, owner, id, body.days)}


@router.delete("/review-sets/{id}/reviewers/{number}", response_model=schemas.Deleted)
async def forget(id: str, number: int, owner: OwnerKey, preparer: CurrentPreparer) -> Any:
    """Delete a reviewer with all answers."""
    await stored(preparer.sets.forget, owner, id, number)
    return {"deleted": True}


@router.delete("/review-sets/{id}", response_model=schemas.Deleted)
async def remove(id: str, owner: OwnerKey, preparer: CurrentPreparer) -> Any:
    """Delete a set with everything in it."""
    await stored(preparer.sets.delete, owner, id)
    return {"deleted": True}
