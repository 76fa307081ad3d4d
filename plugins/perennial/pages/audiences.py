"""Audiences: tonight's plans, one plan in detail, approving and rejecting it."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from perennial import config
from perennial.activation import approval as decision
from perennial.config.audiences import Audience
from perennial.lifecycle.phrases import Words
from perennial.pages import audit, files, host, plans
from perennial.pages.html import answer
from perennial.pages.visitors import Decider, Reader
from perennial.pages.warehouse import nights, reading, writing
from perennial.report.audience_words import STATUS, TRIPPED

router = APIRouter()

OPS = {"add": Words("added", "新增"), "update": Words("updated", "更新"), "remove": Words("taken out", "移除")}
ROWS = {
    "planned": Words("planned", "计划中"),
    "handed_over": Words("handed over, outcome unknown", "已移交，结果未知"),
    "done": Words("done", "已完成"),
    "rejected": Words("refused", "被拒"),
    "failed": Words("failed, sent again", "失败，将重发"),
}
WHAT = {
    "approved": Words("approved", "批准"),
    "rejected": Words("rejected", "驳回"),
    "downloaded": Words("downloaded", "下载"),
}
UNDER_WAY = ("ready", "sending")
LATE = Words(
    "Somebody decided on it meanwhile, or its data changed since you saw it. Look at it again.",
    "在此期间已有人处理，或数据已变更。请重新查看。",
)


@router.get("/audiences")
def overview(
    request: Request, visitor: Reader, night: date | None = None, status: str = "", destination: str = ""
) -> Response:
    """Every audience and destination of a night: sizes, change, state."""
    with reading() as session:
        known = nights(session)
        as_of = night if night in known else next(iter(known), None)
        found = plans.of_night(session, as_of) if as_of else []
    shown = [row for row in found if status in ("", row["status"]) and destination in ("", row["destination"])]
    return answer(
        request,
        "audiences.html",
        visitor,
        tab="audiences",
        nights=known,
        as_of=as_of,
        plans=[_labelled(row) for row in shown],
        waiting=sum(row["status"] == "waiting" for row in found),
        total=len(found),
        states={name: STATUS[name] for name in STATUS if any(row["status"] == name for row in found)},
        destinations={row["destination"]: row["destination"] for row in found},
        status=status,
        destination=destination,
    )


@router.get("/audiences/{name}")
def detail(
    request: Request,
    visitor: Reader,
    name: str,
    op: Literal["add", "update", "remove"] | None = None,
    after: str = "",
    said: Literal["approved", "rejected", "noted"] | None = None,
) -> Response:
    """One plan: why it waits, gate by gate, whom it changes, and what may be done with it."""
    with reading() as session:
        plan = _required(plans.one(session, name))
        rows, more = plans.changes(session, name, op, after)
        return answer(
            request,
            "audience.html",
            visitor,
            tab="audiences",
            plan=_labelled(plan),
            gates=plans.gates(session, plan),
            rows=rows,
            more=more,
            op=op,
            after=after,
            ops=OPS,
            row_states=ROWS,
            states=STATUS,
            history=plans.history(session, plan),
            notes=[note | {"words": WHAT[note["what"]]} for note in audit.of_plan(session, name)],
            file=files.told(plan),
            can_be_approved=plan["status"] in decision.HELD and plan["as_of"] == next(iter(nights(session)), None),
            is_under_way=plan["status"] in UNDER_WAY,
            said=said,
        )


@router.post("/audiences/{name}/approve")
def approve(request: Request, visitor: Decider, name: str, seen: Annotated[str, Form()]) -> Response:
    """Let the data go that was seen, and have it sent."""
    with writing() as session:
        plan = _required(plans.one(session, name))
        if plan["as_of"] != next(iter(nights(session)), None):
            raise HTTPException(409, LATE)  # an earlier night is never sent
        if not decision.approve(session, name, visitor.name, although_rejected=True, seen=seen):
            raise HTTPException(409, LATE)
        audit.note(session, visitor.name, "approved", plan=name, data_hash=seen)
    said = "approved" if host.send(plan["as_of"], visitor.name) else "noted"
    return _back(request, name, said)


@router.post("/audiences/{name}/reject")
def reject(request: Request, visitor: Decider, name: str, seen: Annotated[str, Form()]) -> Response:
    """Let nothing of the data go that was seen."""
    with writing() as session:
        _required(plans.one(session, name))
        if not decision.reject(session, name, visitor.name, seen=seen):
            raise HTTPException(409, LATE)
        audit.note(session, visitor.name, "rejected", plan=name, data_hash=seen)
    return _back(request, name, "rejected")


def _back(request: Request, name: str, said: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/audiences/{name}?said={said}", 303)


def _required(plan: dict[str, Any] | None) -> dict[str, Any]:
    if plan is None:
        raise HTTPException(404)
    return plan


def _labelled(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with its words; an audience that config/ no longer has keeps its name."""
    audience: Audience | None = config.load().audiences.audiences.get(plan["audience"])
    label = Words(audience.label.en, audience.label.zh) if audience else Words(plan["audience"], plan["audience"])
    state = STATUS.get(plan["status"], Words(plan["status"], plan["status"]))
    why = [TRIPPED.get(name, Words(name, name)) for name in plan["tripped"]]
    return plan | {"label": label, "state": state, "why": why}
