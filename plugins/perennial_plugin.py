"""Perennial's pages in Airflow's own: the only plugin file, and a thin one, since all of Airflow runs it."""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/perennial"
BELOW = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")  # where Airflow itself is mounted


def _view(name: str, page: str, route: str, **more: str) -> dict[str, str]:
    return {"name": name, "href": f"{BELOW}{PREFIX}/{page}", "url_route": route, "category": "Perennial", **more}


class PerennialPlugin(AirflowPlugin):
    """Three pages in the navigation, and the report as a tab of the DAG."""

    name = "perennial"
    external_views = [  # noqa: RUF012, Airflow takes entries out of it
        _view("Audiences 受众", "audiences", "perennial-audiences", destination="nav"),
        _view("Lifecycle 生命周期", "lifecycle", "perennial-lifecycle", destination="nav"),
        _view("Customer 客户", "customers", "perennial-customers", destination="nav"),
        _view("Report 报告", "lifecycle", "perennial-report", destination="dag"),
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Made where it is asked for: by the API server."""
        from perennial.pages.app import build

        return [{"app": build(), "url_prefix": PREFIX, "name": "perennial"}]
