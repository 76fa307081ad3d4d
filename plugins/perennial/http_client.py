"""A vendor's HTTP interface: paced, patient with what passes, and silent about whom and with which key.

Requests repeat after 429, 5xx and lost connections only where saying the same twice does no harm. Without that, only
what surely never arrived is said again. Errors name the vendor, the connection and the call, never a person.
"""

import json
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError

ATTEMPTS = 6
LONGEST_WAIT = 900.0  # seconds; a vendor that asks for more is left for another run
POLL_SECONDS, POLLS = 5, 360
TIMEOUT = httpx.Timeout(120.0, connect=10.0)
HERE = {"127.0.0.1", "::1", "localhost"}
ADDRESS = re.compile(r"[^\s\"'<>,;:()\[\]]+(?:@|%40)[^\s\"'<>,;:()\[\]]+")
NUMBER = re.compile(r"\+?\d[\d ().-]{5,}\d")
KEY = re.compile(r"\b(?:sk|rk|pk|ck|cs|shp[a-z]{2})_[^\s\"']+")  # also halves of keys, which some vendors quote

# they log whole addresses of requests, and some vendors want people in them
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

T = TypeVar("T")


class Refused(FatalError):
    """The vendor understood a request and refuses it. `answer` may name people: it is not for messages."""

    def __init__(self, message: str, status: int, reason: str, answer: Any):
        super().__init__(message)
        self.status = status
        self.reason = reason  # in the vendor's words, without addresses
        self.answer = answer


class Unsure(RetriableError):
    """Whether it was done is not known, and doing it twice would do harm."""


class _Again(Exception):
    """A passing fault of a request that may be repeated, after so many seconds if the vendor says how many."""

    def __init__(self, fault: str, wait: float | None = None):
        super().__init__(fault)
        self.wait = wait


@dataclass(frozen=True)
class Pace:
    """What a vendor allows: so many requests at once, so many per minute for long."""

    burst: int
    per_minute: float


@dataclass
class _Bucket:
    tokens: float
    at: float


_buckets: dict[tuple[str, str], _Bucket] = {}  # per account and pace, shared by all who use the account


@dataclass(frozen=True)
class Client:
    """One account at a vendor. `paces` by name; `default` is that of calls which name none."""

    vendor: str
    name: str  # of the connection, for messages
    base_url: str
    secret: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    paces: Mapping[str, Pace]
    _http: httpx.Client = field(default_factory=lambda: _connections(), repr=False, compare=False)
    rights: str = "the rights this destination needs"  # what to give a new key

    def call(
        self,
        method: str,
        path: str,
        *,
        repeat: bool,
        pace: str = "default",
        params: Mapping[str, Any] | None = None,
        body: bytes | Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer as JSON, None if it is empty. `repeat`: saying it twice is the same as saying it once.

        Raises Refused, FatalError for a key that is not taken, Unsure, or RetriableError.
        """
        content = body if isinstance(body, bytes | None) else encode(body)
        request = self._http.build_request(
            method,
            self.base_url + path,
            params=params,
            content=content,
            data=form,
            headers={"content-type": "application/json", **self.headers} if content is not None else {**self.headers},
        )
        what = f"{self.vendor} ({method} {path})"
        again = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=lambda seconds: time.sleep(seconds),
            reraise=True,
        )
        try:
            return again(self._once, request, what, repeat, pace)
        except _Again as fault:
            raise RetriableError(f"{what}: {fault}, {ATTEMPTS} times. Try again later.") from None

    def until(self, look: Callable[[], T | None], what: str, polls: int = POLLS) -> T:
        """What `look` finds in the end; RetriableError if that takes too long."""
        for _ in range(polls):
            if (found := look()) is not None:
                return found
            self.pause()
        raise RetriableError(f"{self.vendor}: {what} is not finished after {polls * POLL_SECONDS // 60} minutes.")

    def pause(self, seconds: float = POLL_SECONDS) -> None:
        """Let the vendor work for a while."""
        time.sleep(seconds)

    def lines(self, url: str) -> Iterator[str]:
        """The lines of a file that its address alone opens, each once; a lost connection takes it up where it broke."""
        lost, known = 0, 0
        while True:
            try:
                with self._http.stream("GET", url) as response:
                    if response.is_client_error and response.status_code != 429:
                        raise RetriableError(
                            f"{self.vendor}: its file is not there ({response.status_code}). Try again."
                        )
                    response.raise_for_status()
                    for number, line in enumerate(_lines(response), start=1):
                        if number > known:
                            lost, known = 0, number
                            yield line
                    return
            except (httpx.TransportError, httpx.DecodingError, httpx.HTTPStatusError) as fault:
                lost += 1
                if lost == ATTEMPTS:
                    raise RetriableError(f"{self.vendor}: its file breaks off ({type(fault).__name__}).") from None
                self.pause()

    def _once(self, request: httpx.Request, what: str, repeat: bool, pace: str) -> Any:
        self._take_turn(pace)
        try:
            response = self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _Again("cannot be reached") from None  # nothing was said yet
        except (httpx.TransportError, httpx.DecodingError) as error:  # broken off, or garbled on the way
            if repeat:
                raise _Again(f"the connection was lost ({type(error).__name__})") from None
            raise Unsure(f"{what}: the connection was lost, and it is not known whether it was done.") from None
        status = response.status_code
        if status == 429:  # not taken, whatever it was
            raise _Again("too many requests (429)", _asked_to_wait(response, what))
        if status >= 500:
            if repeat:
                raise _Again(f"answers {status}", _asked_to_wait(response, what))
            raise Unsure(f"{what}: answers {status}, and it is not known whether it was done.")
        answer = self._read(response, what, repeat)
        if status in (401, 403):
            raise FatalError(
                f"connection '{self.name}': {self.vendor} does not take the key ({status}: {self.words(answer)}). "
                f"Make a key with {self.rights} and set it as the connection's password."
            )
        if not response.is_success:
            reason = f"{status}: {self.words(answer)}"
            raise Refused(f"connection '{self.name}': {what} refuses: {reason}", status, reason, answer)
        return answer

    def _take_turn(self, pace: str) -> None:
        allowed = self.paces[pace]
        bucket = _buckets.setdefault((self.secret, pace), _Bucket(allowed.burst, time.monotonic()))
        now, rate = time.monotonic(), allowed.per_minute / 60
        bucket.tokens = min(allowed.burst, bucket.tokens + (now - bucket.at) * rate) - 1
        bucket.at = now
        if bucket.tokens < 0:
            time.sleep(-bucket.tokens / rate)

    def _read(self, response: httpx.Response, what: str, repeat: bool) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            if not response.is_success:
                return None
            fault = f"{what}: answers {response.status_code} with something that is not JSON. Is a proxy between?"
            raise (RetriableError if repeat else Unsure)(fault) from None

    def words(self, answer: Any) -> str:
        """What the vendor says went wrong, without addresses and without the key."""
        found = answer
        if isinstance(found, dict) and isinstance(found.get("errors"), list) and found["errors"]:
            found = found["errors"][0]
        elif isinstance(found, dict) and (inner := found.get("error") or found.get("errors")):
            found = inner if isinstance(inner, dict) else {"message": inner}
        if not isinstance(found, dict):
            return "no reason given"
        said = next((found[name] for name in ("detail", "message", "title", "code") if found.get(name)), "no reason")
        return without_people(str(said).replace(self.secret, "(key)"))


def base_url(name: str, connection: Connection | None, usual: str) -> str:
    """Where the connection says the vendor is, or where it usually is; ConfigError if the key would go in the clear."""
    if connection is None or not connection.password:
        raise ConfigError(
            f"connection '{name}': has no key. Set AIRFLOW_CONN_{name.upper()} to e.g. "
            '{"conn_type": "http", "password": "the key"}'
        )
    if not connection.host:
        return usual
    url = connection.host if "://" in connection.host else f"{connection.database or 'https'}://{connection.host}"
    url = f"{url}:{connection.port}" if connection.port else url
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in HERE:
        raise ConfigError(
            f"connection '{name}': host {parts.hostname} is not https; the key would travel in the clear."
        )
    return url.rstrip("/")


def encode(value: Any) -> bytes:
    """Compact JSON; days in ISO 8601, decimal numbers as numbers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def dig(answer: Any, *path: str | int, kind: type = object) -> Any:
    """A part of an answer; RetriableError if the answer does not have it, or has another kind of thing there."""
    found = answer
    try:
        for step in path:
            found = found[step]
    except (KeyError, IndexError, TypeError):
        found = None
    if found is None or not isinstance(found, kind):
        where = ".".join(map(str, path)) or "content"
        raise RetriableError(f"an answer has no usable {where}: it is not what the vendor promises.")
    return found


def part(answer: Any, name: str) -> dict[str, Any]:
    """An object within an answer that may be missing."""
    found = answer.get(name) if isinstance(answer, dict) else None
    return found if isinstance(found, dict) else {}


def moment(value: Any) -> datetime:
    """A time of an answer, text or seconds since 1970, UTC if no zone is named; RetriableError if it is none."""
    try:
        found = datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        raise RetriableError("an answer has no usable time: it is not what the vendor promises.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def without_people(text: str) -> str:
    """Short, and without anything that looks like an address, a number to call or a key."""
    return NUMBER.sub("(number)", ADDRESS.sub("(address)", KEY.sub("(key)", text)))[:200]


def _lines(response: httpx.Response) -> Iterator[str]:
    """Split where a line ends and nowhere else: in JSON, text may hold what httpx takes for an end, such as U+2028."""
    rest = b""
    for chunk in response.iter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in whole)
    if rest:
        yield rest.decode()


def _connections() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, verify=_certificates())


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reading them takes a tenth of a second


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


_grow = wait_exponential_jitter(initial=1, max=60)


def _wait(state: RetryCallState) -> float:
    asked = state.outcome.exception().wait
    return _grow(state) if asked is None else asked


def _asked_to_wait(response: httpx.Response, what: str) -> float | None:
    """Seconds, None if none are named; RetriableError if a run should not wait that long."""
    asked = response.headers.get("retry-after", "")
    if not re.fullmatch(r"\d+(\.\d+)?", asked):
        return None
    seconds = float(asked)
    if seconds > LONGEST_WAIT:
        raise RetriableError(f"{what}: asks for a pause of {seconds:.0f} seconds. Try again after that.")
    return seconds
