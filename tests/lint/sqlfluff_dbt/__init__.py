"""What sqlfluff needs to render our dbt models: dbt's functions, and the variables of a real night."""

import hashlib as _hashlib
import json as _json
from datetime import date as _date
from types import SimpleNamespace as _SimpleNamespace

from perennial.config import load as _load
from perennial.transform import variables as _variables

_VARIABLES = _variables(_load(), _date(2017, 9, 30))


def var(name, default=None):
    """The variable the nightly run would pass."""
    return _VARIABLES.get(name, default)


def local_md5(text):
    """dbt's hash at compile time."""
    return _hashlib.md5(text.encode()).hexdigest()


def tojson(value):
    """dbt's JSON at compile time."""
    return _json.dumps(value, sort_keys=True)


def config(**_):
    """dbt's model configuration; renders to nothing."""
    return ""


execute = False
flags = _SimpleNamespace(FULL_REFRESH=False)
globals()["return"] = lambda value: value
