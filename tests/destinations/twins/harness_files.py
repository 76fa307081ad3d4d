"""How the contract test looks at audience files: a folder, a server or a bucket instead of a twin."""

import csv
import io
import itertools
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from perennial import paths
from perennial.connections import Connection
from perennial.places import registry
from perennial.places.base import Place
from servers import s3, sftp
from twins.harness import AUDIENCE, NIGHT, Harness

NUMBERS = itertools.count(1)


class FilesHarness(Harness):
    """Files in a folder of this machine."""

    kind = "files"
    key = "none"

    def __init__(self, channel: str):
        super().__init__(channel)
        self.folder = f"audiences/{next(NUMBERS)}"

    def settings(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def connection(self, key: str) -> Connection | None:
        return None

    def place(self) -> AbstractContextManager[Place]:
        return registry.at(self.folder, self.connection(""), "there")

    def contents(self) -> dict[str, bytes]:
        """Every file by its name."""
        root = self._root()
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def replace(self, files: dict[str, bytes]) -> None:
        """Have these files and no others."""
        shutil.rmtree(self._root())
        for name, content in files.items():
            path = self._root() / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _root(self) -> Path:
        return paths.state() / self.folder

    def people(self) -> dict[str, dict[str, Any]]:
        with self.place() as place:
            names = [f.name for f in place.files(str(NIGHT)) if f.name.endswith(".csv")]
            if not names:
                return {}
            newest = max(names, key=lambda name: (len(name), name))
            assert newest.startswith(f"{NIGHT}/{AUDIENCE}.")
            with place.read(newest) as stream:
                rows = list(csv.DictReader(io.TextIOWrapper(stream, "utf-8", newline="")))
        column = "email" if self.channel == "email" else "phone"
        known = {r.pop(column): {k: v for k, v in r.items() if k != "customer_key" and v} for r in rows}
        for attributes in known.values():
            if "orders" in attributes:
                attributes["orders"] = int(attributes["orders"])
        return known


class SftpFilesHarness(FilesHarness):
    """Files on a server."""

    kind = "files"

    def __init__(self, channel: str):
        super().__init__(channel)
        self.server = sftp.SftpServer(paths.state() / "remote")
        (self.server.root / self.folder).mkdir(parents=True)

    def settings(self) -> dict[str, Any]:
        return {"folder": self.folder, "connection": "there"}

    def connection(self, key: str) -> Connection:
        return self.server.connection()

    def _root(self) -> Path:
        return self.server.root / self.folder

    def close(self) -> None:
        self.server.close()


class BucketFilesHarness(FilesHarness):
    """Files in a bucket, where nothing is replaced."""

    kind = "files"

    def __init__(self, channel: str):
        super().__init__(channel)
        self.folder = f"{s3.server().bucket()}/{self.folder}"

    def settings(self) -> dict[str, Any]:
        return {"folder": self.folder, "connection": "there"}

    def connection(self, key: str) -> Connection:
        return s3.server().connection()

    def contents(self) -> dict[str, bytes]:
        bucket, folder = self._where()
        listed = s3.server().client.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/").get("Contents", [])
        read = s3.server().client.get_object
        return {o["Key"]: read(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}

    def replace(self, files: dict[str, bytes]) -> None:
        bucket, _ = self._where()
        for name in self.contents():
            s3.server().client.delete_object(Bucket=bucket, Key=name)
        for name, content in files.items():
            s3.server().client.put_object(Bucket=bucket, Key=name, Body=content)

    def _where(self) -> tuple[str, str]:
        bucket, folder = self.folder.split("/", 1)
        return bucket, folder
