"""The files of a server installation, as far as they can be judged without a container engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from perennial import embedded
from perennial.connections import Connection
from perennial.embedded import sizing

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


# --- the compose file


def test_compose_file_follows_the_specification():
    arguments = ["--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_project_name_is_left_to_the_folder():
    assert "name" not in COMPOSED  # docker-compose 1 refuses it


def test_every_variable_is_documented_and_every_documented_one_is_used():
    used = {found["name"] for found in REFERENCE.finditer(COMPOSE.read_text())}
    assert used == set(documented())


def test_dollar_signs_are_variables_only():
    assert "$" not in REFERENCE.sub("", COMPOSE.read_text())


def test_secrets_have_no_default():
    for found in REFERENCE.finditer(COMPOSE.read_text()):
        if found["name"] not in NOT_SECRET:
            assert found["operator"] == ":?", found[0]
            assert found["name"] in found["rest"], f"the message does not say what to set: {found[0]}"


def test_example_holds_no_secret():
    assert {name for name, value in documented().items() if value} == NOT_SECRET
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert ".env" in ignored


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_come_from_variables(service):
    for key, value in SERVICES[service]["environment"].items():
        if SECRET_NAME.search(key) and key not in ("POSTGRES_INITDB_ARGS",):
            assert ":?" in value, f"{key} does not take its secret from .env"


def test_only_the_api_server_knows_the_passwords_of_people():
    knowing = [name for name in SERVICES if "ADMIN_PASSWORD" in SERVICES[name]["environment"]]
    assert knowing == ["api-server"]
    assert not [name for name in AIRFLOW if "POSTGRES_PASSWORD" in SERVICES[name]["environment"]]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_something_that_will_happen(service):
    for name, how in SERVICES[service].get("depends_on", {}).items():
        assert name in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[name]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[name]["restart"] == "no"


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"init"}))
def test_what_runs_for_good_is_watched_and_restarted(service):
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert SERVICES[service]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_all_components_of_airflow_run():
    commands = [SERVICES[name]["command"][-1].split()[-1] for name in AIRFLOW if name != "api-server"]
    assert sorted(commands) == ["dag-processor", "migrate", "scheduler", "triggerer"]
    assert "exec airflow api-server" in SERVICES["api-server"]["command"][-1]


def test_one_service_builds_the_image_and_none_pulls_it():
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["init"]
    assert {SERVICES[name]["pull_policy"] for name in AIRFLOW} == {"build", "never"}


def test_nothing_is_published_beyond_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api-server"]
    for ports in published.values():
        assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", SERVICES)
def test_volumes_resolve_and_sources_cannot_be_written(service):
    for source, mode in mounts(service).values():
        if source.startswith("."):
            assert (PROJECT / source).is_dir(), source
            assert mode == "ro", f"{source} can be written by {service}"
        else:
            assert source in COMPOSED["volumes"]


def test_every_named_volume_is_used():
    used = {source for service in SERVICES for source, _ in mounts(service).values()}
    assert set(COMPOSED["volumes"]) <= used


@pytest.mark.parametrize("service", AIRFLOW)
def test_what_is_written_outlives_the_container(service):
    found, environment = mounts(service), settings(service)
    assert found[environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]] == ("logs", "rw")
    assert found[environment["PERENNIAL_HOME"] + "/config"] == ("./config", "ro")
    keeps_state = found.get(environment["PERENNIAL_STATE"]) == ("state", "rw")
    assert keeps_state == (service == "scheduler")  # contact details: where tasks run, and nowhere else


# --- addresses and names


@pytest.mark.parametrize("service", AIRFLOW)
def test_connections_lead_to_services_of_this_file(service):
    environment = settings(service)
    warehouse = Connection.parse("warehouse", environment["AIRFLOW_CONN_WAREHOUSE"])
    metadata = urlsplit(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    execution = urlsplit(environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
    assert (warehouse.conn_type, warehouse.host, warehouse.port) == ("postgres", "postgres", 5432)
    assert (metadata.scheme, metadata.hostname, metadata.port) == ("postgresql+psycopg2", "postgres", 5432)
    assert (execution.hostname, execution.port, execution.path) == ("api-server", 8080, "/execution/")
    assert {warehouse.host, metadata.hostname, execution.hostname} <= set(SERVICES)
    assert (warehouse.password, metadata.password) == ("value-of-WAREHOUSE_PASSWORD", "value-of-AIRFLOW_DB_PASSWORD")
    assert metadata.hostname != warehouse.host or metadata.path.lstrip("/") != warehouse.database


@pytest.mark.airflow
def test_airflow_knows_every_setting(tmp_path):
    script = (
        "import json, sys; from airflow.configuration import conf; d = conf.configuration_description;"
        "split = [n.lower().split('__')[1:] for n in json.loads(sys.argv[1])];"
        "print(json.dumps(['.'.join(n) for n in split if n[1] not in d.get(n[0], {}).get('options', {})]))"
    )
    names = sorted({key for service in AIRFLOW for key in settings(service) if key.startswith("AIRFLOW__")})
    assert len(names) > 5
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(names)],
        env=clean | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_postgres_is_as_the_embedded_server_but_can_be_backed_up_while_it_runs():
    ours = [argument.removeprefix("-c") for argument in SERVICES["postgres"]["command"][1:]]
    own = ("port=", "listen_addresses=", "wal_level=", "max_wal_senders=")  # a minimal log allows no base backup
    theirs = [s for s in embedded.SETTINGS.split() if not s.startswith(own)]
    assert ours == theirs + sizing.settings(memory=8 * 2**30, cores=4)
    made = [a for a in embedded.INITDB.split() if not a.startswith(("--username=", "--auth-"))]
    assert settings("postgres")["POSTGRES_INITDB_ARGS"].split() == made


def test_postgres_keeps_its_data_where_18_puts_it():
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert mounts("postgres")["/var/lib/postgresql"] == ("postgres", "rw")
    assert mounts("postgres")["/docker-entrypoint-initdb.d"] == ("./sql/docker-init", "ro")


def test_api_server_takes_the_passwords_of_people_from_the_environment(tmp_path):
    (tmp_path / "python").symlink_to(sys.executable)
    (tmp_path / "airflow").write_text('#!/bin/sh\necho "started $1"\n')
    (tmp_path / "airflow").chmod(0o755)
    file = tmp_path / "passwords.json"
    environment = settings("api-server") | {
        "PATH": f"{tmp_path}{os.pathsep}{os.defpath}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
        "ADMIN_PASSWORD": 'with " and \\ and ä',
    }
    done = subprocess.run(
        SERVICES["api-server"]["command"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "started api-server\n", done.stderr
    passwords = json.loads(file.read_text())
    users = environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(",")
    assert passwords == {"admin": 'with " and \\ and ä', "marketer": "value-of-MARKETER_PASSWORD"}
    assert [user.split(":")[0] for user in users] == list(passwords)  # else Airflow invents one and logs it
    assert file.stat().st_mode & 0o777 == 0o600


def compose_config(folder: Path, values: dict[str, str]) -> subprocess.CompletedProcess:
    """`docker-compose config -q` with such a .env."""
    program = tool("docker-compose")
    file = folder / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    command = [program, "-f", str(COMPOSE), "--env-file", str(file), "config", "-q"]
    clean = {"PATH": TOOLS, "HOME": str(folder)}
    return subprocess.run(command, env=clean, cwd=folder, capture_output=True, text=True, check=False)


def test_compose_resolves_the_file(tmp_path):
    done = compose_config(tmp_path, filled())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(set(documented()) - NOT_SECRET))
def test_compose_refuses_an_empty_secret(name, tmp_path):
    done = compose_config(tmp_path, filled() | {name: ""})
    assert done.returncode != 0
    assert f"set {name} in .env" in done.stderr


# --- the databases


@pytest.fixture
def initialised(server):
    """Run the script of sql/docker-init on the embedded server."""
    environment = {
        "PATH": os.pathsep.join([str(embedded.psql_path().parent), os.defpath]),
        "PGHOST": server.host,
        "POSTGRES_USER": server.login,
    }

    def run(**passwords: str) -> subprocess.CompletedProcess:
        command = ["bash", str(INIT_SCRIPT)]
        return subprocess.run(command, env=environment | passwords, capture_output=True, text=True, check=False)

    yield run
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        for database in ("airflow_meta", "warehouse"):
            session.execute(f"drop database if exists {database} with (force)")
        session.execute("drop role if exists airflow, perennial")
        session.execute("grant connect, temporary on database postgres, template1 to public")


@pytest.mark.server
def test_each_role_owns_its_database_and_cannot_enter_the_other(server, initialised):
    done = initialised(AIRFLOW_DB_PASSWORD="aaa", WAREHOUSE_PASSWORD="bbb")
    assert done.returncode == 0, done.stderr
    environment = settings("scheduler")
    metadata = urlsplit(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    warehouse = Connection.parse("warehouse", environment["AIRFLOW_CONN_WAREHOUSE"])
    homes = {metadata.username: metadata.path.lstrip("/"), warehouse.login: warehouse.database}
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres") as session:
        found = session.execute(
            """select rolname, datname, has_database_privilege(r.oid, d.oid, 'connect'), datdba = r.oid,
                rolcanlogin and rolpassword like 'SCRAM-SHA-256$%%' and not rolsuper
                    and not rolcreaterole and not rolcreatedb
            from pg_authid r, pg_database d
            where rolname = any(%s) and datname in ('airflow_meta', 'warehouse', 'postgres', 'template1')""",
            [list(homes)],
        ).fetchall()
    assert len(found) == 8
    for role, database, may_enter, owns, plain_login in found:
        assert plain_login, role
        assert (may_enter, owns) == ((True, True) if homes[role] == database else (False, False)), (role, database)


@pytest.mark.server
@pytest.mark.parametrize("password", ["", "p@ss", "with space", 'quote"', "pa/ss", "100%"])
def test_a_password_that_would_break_a_url_is_refused(server, initialised, password):
    done = initialised(AIRFLOW_DB_PASSWORD="fine", WAREHOUSE_PASSWORD=password)
    assert done.returncode != 0
    assert "WAREHOUSE_PASSWORD: accepted are letters" in done.stderr
    assert not password or password not in done.stderr
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres") as session:
        assert session.execute("select from pg_roles where rolname = 'airflow'").rowcount == 0


@pytest.mark.parametrize("service", ["postgres"])
def test_health_of_postgres_is_that_of_both_databases(service):
    test = SERVICES[service]["healthcheck"]["test"][-1]
    environment = settings("scheduler")
    metadata = urlsplit(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    warehouse = Connection.parse("warehouse", environment["AIRFLOW_CONN_WAREHOUSE"])
    assert f"-U {metadata.username} -d {metadata.path.lstrip('/')} " in test
    assert f"-U {warehouse.login} -d {warehouse.database} " in test
    assert test.count("-qAtXh 127.0.0.1") == 2  # by TCP: the socket answers before the databases exist


# --- the image


def test_dockerfile_passes_hadolint():
    done = subprocess.run([tool("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_image_holds_the_locked_packages_and_no_others():
    (install,) = [line for line in instructions("RUN") if "pip install" in line]
    assert "--require-hashes" in install
    assert "--no-deps" in install
    assert "&& pip check" in install
    (base,) = instructions("FROM")
    required = re.search(r'requires-python = ">=(\d+\.\d+)', (PROJECT / "pyproject.toml").read_text())[1]
    assert base.startswith(f"python:{required}-")


def test_image_does_not_run_as_root():
    lines = DOCKERFILE.read_text().splitlines()
    (user,) = instructions("USER")
    assert int(user) > 0
    assert f"--uid {user} " in " ".join(instructions("RUN"))
    after = lines[lines.index(f"USER {user}") :]
    assert not [line for line in after if line.startswith(("RUN", "COPY"))]  # sources stay root's


def test_image_holds_the_sources_where_airflow_looks():
    environment = settings("scheduler")
    copied = dict(line.split() for line in instructions("COPY"))
    assert set(copied) == {"requirements.lock", "dags", "plugins", "dbt_project", "sql", "config"}
    assert all((PROJECT / source).exists() for source in copied)
    assert copied["dags"] == environment["AIRFLOW__CORE__DAGS_FOLDER"]
    assert copied["plugins"] == environment["AIRFLOW__CORE__PLUGINS_FOLDER"]
    assert f"PYTHONPATH={copied['plugins']} " in instructions("ENV")[0]
    for part in ("dbt_project", "sql", "config"):
        assert copied[part] == f"{environment['PERENNIAL_HOME']}/{part}"


def test_volumes_belong_to_the_user_of_the_image():
    environment = settings("scheduler")
    made = " ".join(instructions("RUN"))
    folders = (environment["PERENNIAL_STATE"], environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])
    (install,) = re.findall(r"install -d -o perennial -g perennial -m 0700 ((?:/\S+ ?)+)", made)
    assert set(install.split()) == set(folders)


def test_build_context_is_a_list_of_what_is_copied():
    patterns = [p for p in (PROJECT / ".dockerignore").read_text().splitlines() if p and not p.startswith("#")]
    assert patterns[0] == "*"
    assert {p[1:] for p in patterns if p.startswith("!")} == {line.split()[0] for line in instructions("COPY")}
    assert {"dbt_project/target", "dbt_project/logs", "**/__pycache__"} <= set(patterns)
