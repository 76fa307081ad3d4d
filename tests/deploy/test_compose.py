"""The files of a server installation, as far as they can be judged without a container engine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from deployment import (
    AIRFLOW,
    COMPOSE,
    COMPOSED,
    INIT_SCRIPT,
    NOT_SECRET,
    PROJECT,
    REFERENCE,
    SECRET_NAME,
    SERVICES,
    TOOLS,
    documented,
    filled,
    mounts,
    settings,
    tool,
)

from perennial import embedded
from perennial.connections import Connection
from perennial.embedded import sizing


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
