"""The HTTP client: paced, patient where it does no harm, and silent about people and keys."""

import gzip
from datetime import date
from decimal import Decimal

import httpx
import pytest

from perennial import http_client as client
from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import Client, Pace, Unsure, base_url, dig, encode, moment, without_people

UNSURE = [httpx.Response(500), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
ZIPPED = {"content-encoding": "gzip"}


class Server:
    """Answers in turn; what is an exception is raised."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, json={})
        if isinstance(answer, Exception):
            raise answer
        return answer


def account(server: Server, burst: int = 100, per_minute: int = 6000) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(server))
    return Client(
        "Vendor", "vendor", "https://vendor.example", "KEY123", {}, {"default": Pace(burst, per_minute)}, http
    )


@pytest.mark.parametrize(
    "fault", [httpx.Response(500), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")], ids=repr
)
def test_only_what_may_be_said_twice_is_said_twice(time, fault):
    server = Server(fault)
    assert account(server).call("PUT", "/x", repeat=True) == {}
    assert len(server.requests) == 2
    server = Server(fault)
    with pytest.raises(Unsure, match="not known whether it was done"):
        account(server).call("POST", "/x", repeat=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [httpx.Response(429), httpx.ConnectError("x"), httpx.ConnectTimeout("x")], ids=repr)
def test_what_was_never_taken_is_said_again_in_any_case(time, fault):
    server = Server(fault)
    assert account(server).call("POST", "/x", repeat=False) == {}
    assert len(server.requests) == 2


def test_waiting_grows_when_the_vendor_names_no_time_and_ends(time):
    server = Server(*[httpx.Response(503)] * 20)
    with pytest.raises(RetriableError, match=rf"answers 503, {client.ATTEMPTS} times"):
        account(server).call("GET", "/x", repeat=True)
    assert len(server.requests) == client.ATTEMPTS
    assert time.slept[-1] > 4 * time.slept[0] > 0


def test_nobody_waits_for_hours(time):
    server = Server(httpx.Response(429, headers={"Retry-After": "7200"}))
    with pytest.raises(RetriableError, match="7200 seconds"):
        account(server).call("GET", "/x", repeat=True)
    assert time.slept == []


def test_an_accounts_pace_is_kept_by_all_who_use_it(time):
    first, second = account(Server(), 5, 60), account(Server(), 5, 60)
    for n in range(20):
        (first if n % 2 else second).call("GET", "/x", repeat=True)
    assert time.now == pytest.approx(15)  # five at once, then one a second


def test_a_clients_words_name_neither_people_nor_the_key(time):
    said = {"errors": [{"detail": "ann@example.com or +1 (413) 555-0101 with KEY123 is wrong"}]}
    words = account(Server()).words(said)
    assert words == "(address) or (number) with (key) is wrong"
    assert "KEY123" not in repr(account(Server()))
    assert without_people("a%40example.com, x" + "y" * 500).startswith("(address), x")
    assert len(without_people("y" * 500)) == 200


def test_words_are_found_in_all_the_shapes_of_errors_and_never_with_a_key(time):
    words = account(Server()).words
    assert words({"error": {"type": "x", "message": "no such thing"}}) == "no such thing"
    assert words({"errors": "Not Found"}) == "Not Found"
    assert words({"errors": [{"message": "Throttled"}]}) == "Throttled"
    assert words({"error": {"message": "Invalid API Key provided: sk_live_****cdef"}}).endswith("provided: (key)")
    assert words({"message": "ck_12 and shpat_34, rk_test_56"}) == "(key) and (key) (key)"
    assert words([]) == words(None) == "no reason given"


class Breaking(httpx.SyncByteStream):
    """A file whose connection is lost after so many bytes."""

    def __init__(self, content: bytes, after: int):
        self.content, self.after = content, after

    def __iter__(self):
        yield self.content[: self.after]
        raise httpx.RemoteProtocolError("x")


class Whole(httpx.SyncByteStream):
    """An answer as it comes over the wire."""

    def __init__(self, content: bytes):
        self.content = content

    def __iter__(self):
        yield self.content


def test_a_file_is_read_on_where_its_connection_was_lost(time):
    content = "".join(f"line {n}\n" for n in range(100)).encode()
    broken = [httpx.Response(200, stream=Breaking(content, after)) for after in (5, 300, 301, 500)]
    server = Server(*broken, httpx.Response(503), httpx.Response(429), httpx.Response(200, content=content))
    assert list(account(server).lines("https://files.example/x")) == content.decode().splitlines()


def test_what_was_garbled_on_its_way_is_read_again(time):
    content = "".join(f"line {n}\n" for n in range(10_000)).encode()
    answers = [httpx.Response(200, headers=ZIPPED, stream=Whole(sent)) for sent in (b"no gzip", gzip.compress(content))]
    assert list(account(Server(*answers)).lines("https://files.example/x")) == content.decode().splitlines()
    answers = [httpx.Response(200, headers=ZIPPED, stream=Whole(b"no gzip")) for _ in range(20)]
    with pytest.raises(RetriableError, match=r"its file breaks off .DecodingError"):
        list(account(Server(*answers)).lines("https://files.example/x"))
    assert account(Server(answers[-1])).call("GET", "/x", repeat=True) == {}
    with pytest.raises(Unsure, match="not known whether it was done"):
        account(Server(answers[-2])).call("POST", "/x", repeat=False)


def test_a_line_ends_at_its_end_only(time):
    content = '{"a": "x\u2028y\x85z"}\n{"b": 1}'.encode()
    lines = list(account(Server(httpx.Response(200, content=content))).lines("https://files.example/x"))
    assert lines == ['{"a": "x\u2028y\x85z"}', '{"b": 1}']


def test_a_file_that_never_comes_whole_is_an_error(time):
    server = Server(*[httpx.Response(200, stream=Breaking(b"a\nb\n", 3)) for _ in range(20)])
    with pytest.raises(RetriableError, match="its file breaks off"):
        list(account(server).lines("https://files.example/x"))
    with pytest.raises(RetriableError, match=r"not there .404"):
        list(account(Server(httpx.Response(404))).lines("https://files.example/x"))


def test_a_key_never_travels_in_the_clear():
    def url(**known):
        return base_url("vendor", Connection("http", password="k", **known), "https://usual.example")

    assert url() == "https://usual.example"
    assert url(host="https://eu.example/") == "https://eu.example"
    assert url(host="eu.example") == "https://eu.example"
    assert url(host="127.0.0.1", port=8080, database="http") == "http://127.0.0.1:8080"
    with pytest.raises(ConfigError, match="in the clear"):
        url(host="http://eu.example")
    for nothing in (None, Connection("http")):
        with pytest.raises(ConfigError, match="AIRFLOW_CONN_VENDOR"):
            base_url("vendor", nothing, "https://usual.example")


def test_what_an_answer_lacks_is_named():
    assert dig({"a": [{"b": 1}]}, "a", 0, "b", kind=int) == 1
    for answer in ({}, {"a": []}, {"a": None}, [], None, "a"):
        with pytest.raises(RetriableError, match=r"a\.0"):
            dig(answer, "a", 0)
    with pytest.raises(RetriableError, match="usable time"):
        moment("yesterday")
    assert moment("2018-01-04T12:00:00") == moment(1515067200)


def test_days_and_decimal_numbers_are_encoded():

    assert (
        encode({"d": date(2018, 1, 5), "n": Decimal("1.5"), "t": "é"}) == '{"d":"2018-01-05","n":1.5,"t":"é"}'.encode()
    )
