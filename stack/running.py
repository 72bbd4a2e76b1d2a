"""The platform that runs with a state directory, seen from another process."""

from stack.artifacts import Artifacts
from stack.choices import Choices
from stack.journal import Record
from stack.platform import Platform
from stack.settings import Ports, Settings, load_settings
from stack.state import require_running


def running_settings() -> tuple[Settings, Record]:
    """The settings with which the platform was started, whatever this shell has.

    Raises StackError NOT_RUNNING.
    """
    settings = load_settings()
    record = require_running(settings.state)
    origins = record.choices.get("origins")
    update: dict[str, object] = {"port": Ports.model_validate(record.ports)}
    if isinstance(origins, list):
        update["origins"] = tuple(origins)
    return settings.model_copy(update=update), record


def running_platform() -> tuple[Platform, Record]:
    """The same graph that its `up` built."""
    settings, record = running_settings()
    scale, only = record.choices.get("scale"), record.choices.get("only")
    choices = Choices(
        scale=scale if isinstance(scale, dict) else {},
        only=tuple(only) if isinstance(only, list) else (),
        collector=str(record.choices.get("collector", "")),
    )
    return Platform(settings, choices, Artifacts(settings.cache)), record
