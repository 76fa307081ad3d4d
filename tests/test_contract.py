"""What a yml promises of a table is made, or refused."""

import shutil
from datetime import date

import pytest

from perennial import config, paths, transform
from perennial.errors import FatalError

pytestmark = pytest.mark.server


@pytest.mark.parametrize("where", ["model", "column"])
def test_a_constraint_in_a_yml_is_refused_before_the_table_is_built(warehouse, rows, tmp_path, monkeypatch, where):
    home = tmp_path / "home"
    shutil.copytree(paths.home() / "dbt_project", home / "dbt_project")
    yml = home / "dbt_project/models/intermediate/int_seen_batches.yml"
    promised = {"model": "    constraints: [{ type: unique, columns: [batch_id] }]\n", "column": ""}[where]
    column = {"model": "", "column": "        constraints: [{ type: not_null }]\n"}[where]
    text = yml.read_text("utf-8").replace("    columns:\n", f"{promised}    columns:\n", 1)
    yml.write_text(text.replace("      - name: batch_id\n", f"      - name: batch_id\n{column}", 1), "utf-8")
    settings = config.load()
    monkeypatch.setenv("PERENNIAL_HOME", str(home))
    with pytest.raises(FatalError, match="int_seen_batches: constraints in its yml"):
        transform.run(["run", "--select", "int_seen_batches"], settings, date(2017, 9, 30), warehouse)
    assert rows("select to_regclass('intermediate.int_seen_batches') as built") == [{"built": None}]
