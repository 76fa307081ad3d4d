"""One OpenSSH server for all tests of places."""

from collections.abc import Iterator

import pytest

from servers import openssh


@pytest.fixture(scope="session")
def sshd(tmp_path_factory) -> Iterator[openssh.OpenSsh]:
    """The server that most gateways run."""
    if not (openssh.SSHD and openssh.KEYGEN):
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    made = openssh.OpenSsh(tmp_path_factory.mktemp("sshd") / "ssh")
    yield made
    made.close()
