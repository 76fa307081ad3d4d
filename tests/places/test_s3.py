"""A bucket is written once, answers are waited for, and what a person has to mend is named."""

import builtins
import io

import botocore.endpoint
import pytest

from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.places.s3 import TRIES, Place
from servers import s3
from servers.s3 import Fault


@pytest.fixture
def server(state, monkeypatch) -> s3.S3Server:
    class NoTime:
        sleep = staticmethod(lambda seconds: None)

    monkeypatch.setattr(botocore.endpoint, "time", NoTime)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")  # the connection says who we are, nobody else
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return s3.server()


@pytest.fixture
def bucket(server) -> str:
    return server.bucket()


def place(server: s3.S3Server, bucket: str, **more: str) -> Place:
    return Place(f"{bucket}/drop", server.connection(**more), "lake")


def put(server: s3.S3Server, bucket: str, content: bytes = b"x") -> None:
    place(server, bucket).write("a.csv", io.BytesIO(content))


def stands(server: s3.S3Server, bucket: str) -> dict[str, bytes]:
    client = server.client
    found = client.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {f["Key"]: client.get_object(Bucket=bucket, Key=f["Key"])["Body"].read() for f in found}


@pytest.mark.parametrize(("status", "code"), [(429, "SlowDown"), (503, "SlowDown"), (500, "InternalError")])
def test_a_busy_bucket_is_asked_again(server, bucket, status, code):
    server.faults.append(Fault("PUT", status, code, times=TRIES - 1))
    put(server, bucket)
    assert stands(server, bucket) == {"drop/a.csv": b"x"}


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [
        (429, "SlowDown", TRIES),
        (503, "SlowDown", TRIES),
        (429, "Strange", TRIES),
        (409, "ConditionalRequestConflict", 1),
    ],
)
def test_a_bucket_that_stays_busy_is_left_for_the_next_run(server, bucket, status, code, tries):
    server.faults.append(Fault("PUT", status, code, times=100))
    with pytest.raises(RetriableError, match=rf"s3://{bucket}/drop/a.csv: the bucket answers {status} {code}"):
        put(server, bucket)
    assert server.calls.count("PUT") == 1 + tries  # one of them made the bucket
    assert stands(server, bucket) == {}


def test_an_answer_that_was_lost_after_the_file_was_put_shows_as_a_file_that_is_there(server, bucket):
    server.faults.append(Fault("PUT", 503, "SlowDown", times=1, after=True))
    with pytest.raises(FileExistsError):
        put(server, bucket)
    assert stands(server, bucket) == {"drop/a.csv": b"x"}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "allow s3:GetObject"),
        (403, "InvalidAccessKeyId", "access key is not known"),
        (403, "SignatureDoesNotMatch", "secret key is wrong"),
        (400, "ExpiredToken", "expired"),
        (400, "Strange", "mend the connection"),
    ],
)
def test_a_refusal_is_for_a_person_to_mend(server, bucket, status, code, said):
    server.faults.append(Fault("PUT", status, code, times=1))
    with pytest.raises(FatalError, match=rf"connection 'lake': {status} {code}: .*{said}") as caught:
        put(server, bucket)
    assert s3.KEY[1] not in str(caught.value)


def test_a_bucket_that_is_not_there_is_no_empty_bucket(server):
    with pytest.raises(FatalError, match="there is no such bucket; make it, or mend `folder`"):
        place(server, "no-such-bucket").files("optouts")


def test_a_server_that_is_down_may_come_back(server, bucket):
    with pytest.raises(RetriableError, match=r"Could not connect|Connection"):
        place(server, bucket, endpoint_url="http://127.0.0.1:9").files()


def test_an_address_that_is_none_is_named(server, bucket):
    with pytest.raises(ConfigError, match="connection 'lake': Invalid endpoint"):
        place(server, bucket, endpoint_url="nowhere").files()


def test_more_files_than_one_answer_holds_are_all_listed(server, bucket, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for n in range(10):
        server.client.put_object(Bucket=bucket, Key=f"drop/optouts/{n}.csv", Body=b"")
    server.calls.clear()
    assert len(place(server, bucket).files("optouts")) == 10
    assert server.calls == ["GET"] * 4


def test_the_connection_and_not_the_environment_says_who_we_are_and_where_files_go(server, bucket):
    assert place(server, bucket)._client._request_signer._credentials.access_key == s3.KEY[0]
    without = Place(bucket, Connection("aws", login="k", password="s"), "lake")
    assert without._client.meta.endpoint_url == "https://s3.amazonaws.com"


def test_without_the_package_its_name_and_extra_are_told(state, monkeypatch):
    real = builtins.__import__

    def without(name, *args):
        if name.startswith("boto"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"boto3 is not installed. Install perennial\[s3\]"):
        Place("bucket", Connection("aws"), "lake").files()
