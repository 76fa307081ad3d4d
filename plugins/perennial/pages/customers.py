"""Customer: find one by her key, and tell her story as `perennial explain` does.

What is typed comes in the body of a form, never in an address: people paste anything, and addresses are logged.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from perennial import config
from perennial.errors import ConfigError, FatalError
from perennial.lifecycle import find
from perennial.lifecycle.explain import Story, story
from perennial.lifecycle.phrases import Words
from perennial.lifecycle.story_text import tell
from perennial.pages import audit
from perennial.pages.html import answer
from perennial.pages.visitors import Reader, Sender
from perennial.pages.warehouse import nights, reading, writing
from perennial.report.text import masked

router = APIRouter()


@dataclass(frozen=True)
class Block:
    """A part of a story: what it is about, and its statements, each with what explains it; or a sentence alone."""

    head: Words
    statements: list[tuple[Words, list[Words]]]


@router.get("/customers")
def search(request: Request, visitor: Reader) -> Response:
    """The form."""
    return _form(request, visitor)


@router.post("/customers")
def found(request: Request, visitor: Sender, customer: Annotated[str, Form()] = "") -> Response:
    """To the one who is meant; what was typed is never repeated."""
    with reading() as session:
        if not nights(session):
            return _form(request, visitor, told="no night has been built yet; run a night first", status=404)
        try:
            meant = find.customer(session, customer, list(config.load().sources.sources))
        except FatalError as error:
            return _form(request, visitor, told=masked(str(error)), status=404)
    key = meant.former_key or meant.customer_key  # the story of a former key says whose it is now
    return RedirectResponse(f"{request.scope.get('root_path', '')}/customers/{key}", 303)


@router.get("/customers/{key}")
def one(request: Request, visitor: Reader, key: str, model: str | None = None) -> Response:
    """Her story in one lifecycle model, by default the default one; who looked is noted."""
    settings = config.load()
    models = [model] if model else None
    with reading() as session:
        as_of = next(iter(nights(session)), None)
        if as_of is None:
            raise ConfigError("no night has been built yet; run `make demo`, or `perennial nightly`")
        told = story(session, key, settings, as_of, models=models)
    key = told.person.customer_key
    with writing() as session:
        audit.note(session, visitor.name, "looked up", customer_key=key)
    names = {name: settings.lifecycle.models[name].name for name in settings.lifecycle.enabled}
    return answer(
        request,
        "customer.html",
        visitor,
        tab="customers",
        story=told,
        blocks=blocks(told)[1:],  # the first line names her, as the page does
        models={name: Words(label.en, label.zh) for name, label in names.items()},
        model=told.lives[0].lifecycle_model,
    )


def blocks(told: Story) -> list[Block]:
    """The story as `perennial explain --full` tells it, in both languages side by side."""
    made: list[Block] = []
    told_in = [tell(told, lang, full=True).split("\n") for lang in ("en", "zh")]
    lines = [Words(*pair) for pair in zip(*told_in, strict=True)]
    for line in lines:
        depth = len(line.en) - len(line.en.lstrip())
        said = Words(*(" ".join(text.split()) for text in (line.en, line.zh)))
        if not said.en:
            continue
        if depth == 0:
            made.append(Block(said, []))
        elif depth < 6 or not made[-1].statements:
            made[-1].statements.append((said, []))
        else:
            made[-1].statements[-1][1].append(said)
    return made


def _form(request: Request, visitor: Reader, told: str | None = None, status: int = 200) -> Response:
    return answer(request, "customers.html", visitor, tab="customers", told=told, code=status)
