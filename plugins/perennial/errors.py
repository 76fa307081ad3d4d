"""Errors, named by what the caller can do about them.

Every message says what is wrong, shows the offending value and names the remedy. Messages never carry contact
details: they reach logs, the Airflow UI and terminals.
"""


class PerennialError(Exception):
    """Base of every error this package raises on purpose."""


class FatalError(PerennialError):
    """Trying again cannot help; a person has to change something."""


class ConfigError(FatalError):
    """A file under config/, an environment variable or a connection is wrong."""


class ContractError(FatalError):
    """A source delivers something that cannot be mapped to the contract."""


class ServerError(FatalError):
    """The embedded warehouse cannot be started, reached or stopped."""


class GateError(FatalError):
    """A check of the night failed; nothing may leave the warehouse."""


class RetriableError(PerennialError):
    """A passing fault; the same call may succeed later."""


def raise_all(errors: list[PerennialError]) -> None:
    """Nothing for none, the only one as it is; of several one naming each once, fatal if a person has to mend one."""
    errors = list({str(error): error for error in errors}.values())
    if len(errors) == 1:
        raise errors[0]
    if errors:
        kind = FatalError if any(isinstance(error, FatalError) for error in errors) else RetriableError
        raise kind("; ".join(str(error) for error in errors)) from errors[0]
