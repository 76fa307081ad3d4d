"""Connections in Airflow's notation; a password never shows."""

import pytest

from perennial.connections import Connection, configured
from perennial.errors import ConfigError

JSON = '{"conn_type": "postgres", "host": "db", "port": 5433, "login": "p", "password": "s3cret", "schema": "dwh"}'


@pytest.mark.parametrize("text", [JSON, "postgres://p:s3cret@db:5433/dwh"], ids=["json", "uri"])
def test_both_notations_say_the_same(text):
    found = Connection.parse("warehouse", text)
    assert found == Connection("postgres", "db", 5433, "p", "s3cret", "dwh")
    assert Connection.parse("warehouse", found.to_json()) == found


@pytest.mark.parametrize(
    "text", ["sqlite:////data/shop.db", '{"conn_type": "sqlite", "host": "/data/shop.db"}'], ids=["uri", "json"]
)
def test_a_sqlite_file_is_found_where_it_lies(text):
    assert Connection.parse("shop", text).url() == "sqlite:////data/shop.db"


def test_a_socket_folder_becomes_a_query_of_the_url():
    url = Connection("postgres", "/run/my pg", 5432, "postgres", database="dwh").url()
    assert url == "postgresql+psycopg://postgres@/dwh?host=%2Frun%2Fmy+pg&port=5432"


def test_special_characters_survive_the_url():
    assert ":p%40ss%2Fword@db:5432/" in Connection("postgres", "db", 5432, "me", "p@ss/word", "dwh").url()


@pytest.mark.parametrize("text", ["{not json, s3cret}", '{"host": "s3cret"}', "s3cret"])
def test_a_connection_that_cannot_be_read_is_named_without_its_text(text, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    with pytest.raises(ConfigError) as caught:
        configured("shop")
    assert "connection 'shop'" in str(caught.value)
    assert "AIRFLOW_CONN_SHOP" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_password_never_shows_in_a_representation():
    assert "s3cret" not in repr(Connection.parse("warehouse", JSON))


def test_psql_and_dbt_get_the_same_connection():
    assert Connection.parse("warehouse", JSON).libpq() == {
        "PGHOST": "db",
        "PGPORT": "5433",
        "PGUSER": "p",
        "PGPASSWORD": "s3cret",
        "PGDATABASE": "dwh",
    }
