"""The application that Airflow mounts: pages, their style, and what is said when something goes wrong."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from perennial import report
from perennial.errors import PerennialError, RetriableError
from perennial.lifecycle.phrases import Words
from perennial.pages import audiences, customers, files, host, lifecycle
from perennial.pages.html import HERE, SECURE, answer
from perennial.pages.visitors import Reader
from perennial.report.text import masked

STATIC = {
    "report.css": (Path(report.__file__).with_name("page.css"), "text/css"),  # the same look: its colours and types
    "pages.css": (HERE / "static" / "pages.css", "text/css"),
    "pages.js": (HERE / "static" / "pages.js", "text/javascript"),
}
log = logging.getLogger(__name__)
# what to say, by status or by what was asked for in vain
SAID = {
    "read": Words(
        "Your role may not see these pages. They need the right to read the DAG customer_lifecycle.",
        "您的角色无权查看这些页面。需要 DAG customer_lifecycle 的读取权限。",
    ),
    "decide": Words(
        "Your role may not approve or reject. That needs the right to answer the DAG's own question (in Airflow's "
        "simple login the role user).",
        "您的角色无权批准或驳回。需要有权回应该 DAG 的审批请求（Airflow 简单登录中为 user 角色）。",
    ),
    "download": Words(
        "Your role may not download. Files hold contact details: that needs the right to approve, and to read the view "
        "`Perennial audience files`.",
        "您的角色无权下载。文件含联系方式：需要审批权限，以及 `Perennial audience files` 视图的读取权限。",
    ),
    "form": Words(
        "This form was not sent from a page of yours, or the page is too old. Load the page again.",
        "该表单不是从您的页面发送，或页面已过期。请重新加载页面。",
    ),
    401: Words("You are not signed in, or not any more. Sign in to Airflow.", "尚未登录或登录已过期。请登录 Airflow。"),
    404: Words("There is no such page. Start at Audiences.", "页面不存在。请从受众页开始。"),
    405: Words("There is no such page. Start at Audiences.", "页面不存在。请从受众页开始。"),
    422: Words("That address is not one of these pages.", "该地址不属于这些页面。"),
}
OLDER = Words(
    "The warehouse lacks a table or column that these pages read: it is of an older version, or no night was built. "
    "The next night mends that; trigger the DAG customer_lifecycle.",
    "数据仓库缺少所需的表或列：版本较旧，或尚未生成任何夜次。触发 DAG customer_lifecycle 后即可恢复。",
)
BUSY = Words(
    "The warehouse did not answer as it should: {state}. A night may be building it; try again in a minute.",
    "数据仓库未正常响应：{state}。可能正在生成当晚数据；请稍后再试。",
)


@asynccontextmanager
async def _started(_: FastAPI) -> AsyncIterator[None]:
    host.offer_files()
    yield


def build() -> FastAPI:
    """The application; every route asks who it is."""
    app = FastAPI(title="Perennial", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_started)

    @app.middleware("http")
    async def secure(request: Request, call_next) -> Response:
        response = await call_next(request)
        for name, value in SECURE.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/")
    def start(request: Request, _: Reader) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/audiences", 303)

    @app.get("/static/{name}")
    def static(name: str, _: Reader) -> Response:
        if name not in STATIC:
            raise HTTPException(404)
        path, kind = STATIC[name]
        return Response(path.read_bytes(), media_type=kind)

    for part in (audiences, files, lifecycle, customers):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(PerennialError, _explained)
    app.add_exception_handler(psycopg.Error, _unanswered)
    return app


def _refused(request: Request, error: Exception) -> Response:
    status, detail = getattr(error, "status_code", 422), getattr(error, "detail", None)
    message = detail if isinstance(detail, Words) else SAID.get(detail) or SAID.get(status)
    message = message or Words(str(detail), str(detail))
    return answer(request, "message.html", code=status, message=message, told=None)


def _explained(request: Request, error: Exception) -> Response:
    """What the error says names the remedy, in English."""
    status = 503 if isinstance(error, RetriableError) else 409
    headline = Words("That did not work.", "操作未成功。")
    return answer(request, "message.html", code=status, message=headline, told=masked(str(error)))


def _unanswered(request: Request, error: Exception) -> Response:
    """The warehouse's own words may quote rows: only what kind of error it is."""
    state = getattr(error, "sqlstate", None) or type(error).__name__
    log.warning("perennial pages: the warehouse answered %s", state)
    lacks = isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn)
    message = OLDER if lacks else Words(BUSY.en.format(state=state), BUSY.zh.format(state=state))
    return answer(request, "message.html", code=503, message=message, told=None)
