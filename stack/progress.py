"""How far the downloads are: a bar on a terminal, plain lines anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TransferSpeedColumn

PLAIN_STEP = 0.1
"""Off a terminal one line for each tenth: a log file is not a place to repaint."""


class Meter:
    """Adds up the bytes of several files and shows the sum."""

    def __init__(self, console: Console, bars: Progress, total: int) -> None:
        self._console = console
        self._bars = bars
        self._total = total
        self._done: dict[str, int] = {}
        self._said = 0.0
        self._task: TaskID = bars.add_task("fetching", total=total)

    def file(self, name: str, size: int) -> Callable[[int], None]:
        """What to call with the number of bytes of `name` that are there."""

        def arrived(done: int) -> None:
            self._done[name] = min(done, size)
            self._show(sum(self._done.values()))

        return arrived

    def say(self, text: str) -> None:
        """One line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def _show(self, done: int) -> None:
        self._bars.update(self._task, completed=done)
        share = done / self._total if self._total else 1.0
        if not self._console.is_terminal and share >= self._said + PLAIN_STEP:
            self._said = share
            self.say(f"fetched {done / 1e6:.0f} of {self._total / 1e6:.0f} MB")


@contextmanager
def meter(total: int) -> Iterator[Meter]:
    """Shows progress on standard error while the block runs. `total` is in bytes."""
    console = Console(stderr=True)
    bars = Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bars:
        shown = Meter(console, bars, total)
        if total:
            shown.say(f"fetching {total / 1e6:.0f} MB")
        yield shown
