"""The image: what is in it, and who runs it."""

import re
import subprocess

from deployment import DOCKERFILE, PROJECT, instructions, settings, tool


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
