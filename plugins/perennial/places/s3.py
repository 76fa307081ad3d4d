"""A bucket of S3, or of anything that speaks its language. The folder is `bucket/folder`.

The connection is of Airflow's type `aws`: login and password are the access key, and of the extra `region_name`,
`endpoint_url` and `aws_session_token` are read. Without a login the machine's own role is asked.

What stands there is never replaced: every file is put on condition that there is none of its name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, BinaryIO, Self

from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.places.base import File, Listing, missing, scratch

CONN_TYPES = ("aws", "s3")
TRIES = 5
EXISTS = {"PreconditionFailed", "412"}
ABSENT = {"NoSuchKey", "404"}
REMEDIES = {
    "NoSuchBucket": "there is no such bucket; make it, or mend `folder`",
    "AccessDenied": "it may not do this; allow s3:GetObject, s3:PutObject and s3:ListBucket",
    "InvalidAccessKeyId": "its access key is not known",
    "SignatureDoesNotMatch": "its secret key is wrong",
    "ExpiredToken": "its session token has expired",
}


class Place:
    """A part of a bucket; nothing is asked before the first file."""

    write_once = True

    def __init__(self, folder: str, connection: Connection, name: str):
        self._connection, self._name = connection, name
        self._bucket, _, prefix = folder.strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def where(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def look(self, folder: str = "") -> Listing:
        prefix = self._prefix + (f"{folder}/" if folder else "")
        files, folders = [], []
        with self._told(self.where(folder)):
            paginator = self._client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
                files += [self._file(entry) for entry in page.get("Contents", ()) if entry["Key"] != prefix]
                folders += [self._below(entry["Prefix"]).rstrip("/") for entry in page.get("CommonPrefixes", ())]
        return Listing(files, folders)

    def files(self, folder: str = "") -> list[File]:
        return self.look(folder).files

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        with scratch() as file:
            with self._told(self.where(name)):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                for piece in answer["Body"].iter_chunks(1 << 20):
                    file.write(piece)
            file.seek(0)
            yield file

    def write(self, name: str, content: BinaryIO) -> None:
        with self._told(self.where(name)):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content, IfNoneMatch="*")

    def _file(self, entry: dict[str, Any]) -> File:
        return File(self._below(entry["Key"]), entry["Size"], entry["LastModified"], entry["ETag"].strip('"'))

    def _below(self, key: str) -> str:
        return key.removeprefix(self._prefix)

    @property
    def _client(self) -> Any:
        return _client(self._connection, self._name)

    @contextmanager
    def _told(self, where: str) -> Iterator[None]:
        """What the bucket answers, in our errors; FileNotFoundError and FileExistsError where it says so."""
        try:
            from botocore.exceptions import (
                BotoCoreError,
                ClientError,
                NoCredentialsError,
                ParamValidationError,
                PartialCredentialsError,
            )
        except ImportError:
            raise missing("boto3", "s3") from None
        try:
            yield
        except ClientError as error:
            self._translate(error, where)
        except (NoCredentialsError, PartialCredentialsError, ParamValidationError) as error:
            raise FatalError(f"{where}: connection '{self._name}': {error}") from None
        except BotoCoreError as error:
            raise RetriableError(f"{where}: {error}") from None

    def _translate(self, error: Any, where: str) -> None:
        code = str(error.response.get("Error", {}).get("Code"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in EXISTS:
            raise FileExistsError(where) from None
        if code in ABSENT:
            raise FileNotFoundError(where) from None
        if status >= 500 or status in (0, 408, 409, 429):
            raise RetriableError(
                f"{where}: the bucket answers {status} {code}; it is tried again with the next run"
            ) from None
        remedy = REMEDIES.get(code, "mend the connection or the bucket's rules")
        raise FatalError(f"{where}: connection '{self._name}': {status} {code}: {remedy}") from None


@lru_cache(maxsize=16)
def _client(connection: Connection, name: str) -> Any:
    """The account; making it takes boto3 longer than most of what it is asked."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise missing("boto3", "s3") from None
    extra = dict(connection.extra)
    session = boto3.session.Session(
        aws_access_key_id=connection.login or None,
        aws_secret_access_key=connection.password or None,
        aws_session_token=extra.get("aws_session_token"),
        region_name=extra.get("region_name") or "us-east-1",
    )
    settings = Config(
        retries={"mode": "standard", "total_max_attempts": TRIES},
        connect_timeout=10,
        read_timeout=60,
        ignore_configured_endpoint_urls=True,  # where contact details go, the connection says
    )
    try:
        return session.client("s3", endpoint_url=extra.get("endpoint_url"), config=settings)
    except ValueError as error:
        raise ConfigError(f"connection '{name}': {error}") from None
