"""Makes what was compiled true in the platform that runs, part by part, and says what it did."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from stack.control import ask
from stack.errors import Code, StackError
from stack.live import served
from stack.live.outcome import Target, line
from stack.live.targets import Comparison
from stack.settings import Settings

if TYPE_CHECKING:
    from gateway.descriptors import Descriptors
    from gateway.model import Model

Say = Callable[[str], None]


async def compare_and_apply(
    comparison: Comparison, model: "Model", parts: Collection[str], say: Say, *, dry_run: bool
) -> None:
    """Compare all parts first, then change one after the other, a line for each.

    `parts` are the names of what runs. Raises the StackError of what is refused before anything is
    changed, or CHANGE_FAILED naming the part; the lines before tell what was done by then.
    """
    for target in await comparison.targets(model, parts):
        if target.changes and not dry_run:
            await _change(target)
        say(line(target, done=not dry_run))


async def _change(target: Target) -> None:
    try:
        await target.act()
    except StackError:
        raise
    except Exception as error:
        raise StackError(
            Code.CHANGE_FAILED,
            f"{target.name} could not be changed: {type(error).__name__}: {error}",
            "causeway compile --dry-run",
            detail="\n".join(target.changes),
        ) from error


def late_services(
    settings: Settings, descriptors: "Descriptors", model: "Model", parts: Collection[str]
) -> list[str]:
    """The services that run here and were started with other protos than those of now."""
    wanted = served.digests(descriptors, model.areas)
    late = served.behind(settings.state, wanted)
    return [area for area in late if f"{area}-api-1" in parts]


async def restart_services(
    settings: Settings, names: Iterable[str], drain: float, say: Say
) -> None:
    """Have the running `up` replace the processes of services, one service after the other."""
    for name in names:
        await _order(settings, {"command": "restart", "service": name, "drain": drain}, say)


async def scale_services(
    settings: Settings, wanted: Mapping[str, int], drain: float, say: Say
) -> None:
    """Have the running `up` add or end replicas."""
    for name, count in wanted.items():
        order = {"command": "scale", "service": name, "replicas": count, "drain": drain}
        await _order(settings, order, say)


async def _order(settings: Settings, order: Mapping[str, object], say: Say) -> None:
    await ask(settings.state, order, lambda text: say(f"{order['service']:<13} {text}"))
