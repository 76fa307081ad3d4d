"""What the compose file and the Dockerfile say, for the tests of both."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
COMPOSE = PROJECT / "docker-compose.yml"
DOCKERFILE = PROJECT / "Dockerfile"
EXAMPLE = PROJECT / ".env.example"
INIT_SCRIPT = PROJECT / "sql" / "docker-init" / "010_databases.sh"

NOT_SECRET = {"AIRFLOW_PORT"}
SECRET_NAME = re.compile(r"PASSWORD$|SECRET|_KEY$|TOKEN|SQL_ALCHEMY_CONN|^AIRFLOW_CONN_")
REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?P<operator>:?[-?+])?(?P<rest>[^}]*)\}")

COMPOSED = yaml.safe_load(COMPOSE.read_text())
SERVICES = COMPOSED["services"]
AIRFLOW = [name for name, service in SERVICES.items() if service["image"] == "perennial"]
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def documented() -> dict[str, str]:
    """The variables of .env.example and their values."""
    lines = EXAMPLE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled() -> dict[str, str]:
    """The variables of .env.example, each with a value of its own."""
    return {name: value or f"value-of-{name}" for name, value in documented().items()}


def settings(service: str) -> dict[str, str]:
    """The environment of a service with all variables replaced."""
    values = filled()
    return {
        key: REFERENCE.sub(lambda found: values[found["name"]], value)
        for key, value in SERVICES[service]["environment"].items()
    }


def mounts(service: str) -> dict[str, tuple[str, str]]:
    """What a service mounts: target -> (source, mode)."""
    found = (entry.split(":") for entry in SERVICES[service].get("volumes", ()))
    return {target: (source, *mode)[:2] if mode else (source, "rw") for source, target, *mode in found}


def instructions(name: str) -> list[str]:
    """The arguments of each such instruction of the Dockerfile."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} +(.+)$", text, re.MULTILINE)


def tool(name: str) -> str:
    """The program, or the test is skipped."""
    path = shutil.which(name, path=TOOLS)
    if not path:
        pytest.skip(f"{name} is not installed here")
    return path
