"""OpenSSH's own server on this machine, for the current user, with keys of its own."""

import atexit
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from perennial.connections import Connection

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
KEYGEN = shutil.which("ssh-keygen")
CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
AuthorizedKeysFile {folder}/client.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""


class OpenSsh:
    """Serves the whole machine to whoever has the client's key."""

    def __init__(self, folder: Path):
        for name, kind in (("host_ed25519", "ed25519"), ("host_rsa", "rsa"), ("client", "ed25519")):
            subprocess.run([KEYGEN, "-q", "-t", kind, "-N", "", "-f", str(folder / name)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        (folder / "config").write_text(CONFIG.format(port=self.port, folder=folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it drops its rights
        command = [SSHD, "-D", "-e", "-f", str(folder / "config")]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("sshd does not answer")

    def connection(self, host_key: str | None = None, private_key: str | None = None) -> Connection:
        pinned = host_key or (self.folder / "host_ed25519.pub").read_text()
        key = private_key or (self.folder / "client").read_text()
        extra = (("host_key", pinned), ("private_key", key))
        return Connection("sftp", "127.0.0.1", self.port, getpass.getuser(), extra=extra)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()


@cache
def server() -> OpenSsh:
    """The server, started when it is first asked for; the test is skipped where it is not installed."""
    if not (SSHD and KEYGEN):
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    folder = Path(tempfile.mkdtemp(prefix="perennial-sshd-"))
    atexit.register(shutil.rmtree, folder)
    made = OpenSsh(folder)
    atexit.register(made.close)
    return made
