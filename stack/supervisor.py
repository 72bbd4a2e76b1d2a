"""Runs a graph of components and tasks: start in order, keep up, stop in order.

A node begins as soon as all that it comes `after` is ready or done, so what can be parallel
is. A failure during the start stops everything again and is raised; a crash later is answered
by a restart, with a longer and longer pause. Children outlive a cancelled task here on
purpose: only `_stop_all` and the guard end them.
"""

import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from stack.asking import complaint
from stack.component import Component, Node, Task
from stack.errors import StackError
from stack.failures import exit_words, first_cause, start_failure
from stack.graph import dependents, require_sound
from stack.guardlink import GuardLink
from stack.identity import Identity, signal_group
from stack.journal import Entry
from stack.processes import Child, spawn, tail
from stack.workplace import Workplace

POLL = (0.05, 0.4)
"""Seconds between two questions to a component that is not ready yet: from, growing to. Asking
takes processor time from what is starting: ten components asked 20 times a second take a core."""

PROBE_LIMIT = 3.0
BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before the restarts of a component that keeps crashing; the last one repeats."""

STEADY = 30.0
"""Seconds after which a component counts as well, and the pauses begin anew."""

Report = Callable[[Entry, str], None]
"""Told of every change: the entry as it now is, and a sentence where there is more to say."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps one component up until its scope is cancelled."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)


class Supervisor:
    """Runs `nodes` once; see `run`."""

    def __init__(
        self, nodes: Sequence[Node], place: Workplace, guard: GuardLink, report: Report
    ) -> None:
        require_sound(nodes)
        self._nodes = {node.name: node for node in nodes}
        self._place = place
        self._guard = guard
        self._report = report
        self._children: dict[str, Child] = {}
        self._up = {name: anyio.Event() for name in self._nodes}
        self._keepers: dict[str, Keeper] = {}
        self._hurry = anyio.Event()

    def hurry(self) -> None:
        """Stop asking and kill what has not ended yet (the second Ctrl-C)."""
        self._hurry.set()

    async def run(
        self,
        stop: anyio.Event,
        when_ready: Callable[[], None],
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Start all, call `when_ready`, keep all up until `stop` is set, then stop all.

        `beside` runs from the start on and is cancelled before anything is stopped. Raises
        StackError when a node does not start; everything is stopped by then.
        """
        try:
            async with anyio.create_task_group() as runners:
                self._runners = runners
                runners.start_soon(self._guard.keep)
                if beside is not None:
                    runners.start_soon(beside)
                for node in self._nodes.values():
                    runners.start_soon(self._run_node, node)
                runners.start_soon(self._announce, when_ready)
                await stop.wait()
                runners.cancel_scope.cancel()
        except BaseExceptionGroup as failures:
            raise first_cause(failures) from None
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop_all()

    async def add(self, component: Component) -> None:
        """Start a component beside those that run, and keep it up; returns once it is ready.

        Raises StackError when it does not start; it is gone again by then.
        """
        self._nodes[component.name] = component
        self._place.admit(component)
        try:
            await self._bring_up(component)
        except StackError:
            await self.retire(component.name)
            raise
        self._runners.start_soon(self._keep, component)

    async def retire(self, name: str) -> None:
        """Stop a component for good: it is asked to end, killed when it does not, and forgotten."""
        if keeper := self._keepers.pop(name, None):
            keeper.scope.cancel()
            await keeper.ended.wait()
        node = self._nodes[name]
        if name in self._children and isinstance(node, Component):
            await self._stop(node)
        del self._nodes[name]
        self._place.dismiss(name)

    def pid(self, name: str) -> int | None:
        """The process of a component; None while it is down."""
        child = self._children.get(name)
        return child.identity.pid if child else None

    async def _announce(self, when_ready: Callable[[], None]) -> None:
        for event in self._up.values():
            await event.wait()
        self._place.enter("running")
        when_ready()

    async def _run_node(self, node: Node) -> None:
        for name in node.after:
            await self._up[name].wait()
        if isinstance(node, Task):
            await self._perform(node)
        else:
            await self._bring_up(node)
        self._up[node.name].set()
        if isinstance(node, Component):
            await self._keep(node)

    async def _perform(self, task: Task) -> None:
        begun = time.monotonic()
        self._change(task.name, "running")
        try:
            await _in_time(task)
        except Exception as error:
            self._change(task.name, "failed")
            self._place.note(task.name, error)
            raise start_failure(task.name, error, "") from error
        self._change(task.name, "done", took=time.monotonic() - begun)

    async def _bring_up(self, component: Component) -> None:
        try:
            if component.prepare is not None:
                self._change(component.name, "preparing")
                await component.prepare()
            await self._start(component)
        except Exception as error:
            child = self._children.get(component.name)
            log = tail(child.log, child.log_start) if child else ""
            self._change(component.name, "failed", last_exit=str(error))
            raise start_failure(component.name, error, log) from error

    async def _start(self, component: Component) -> None:
        """Start the process and wait for its readiness; raises when it ends or is too slow."""
        begun = time.monotonic()
        child = await spawn(
            component,
            state=self._place.state,
            run=self._place.run,
            enlist=lambda identity: self._enlist(component, identity),
        )
        self._children[component.name] = child
        await self._await_ready(component, child)
        self._change(component.name, "ready", took=time.monotonic() - begun)

    def _enlist(self, component: Component, identity: Identity) -> None:
        self._guard.add(identity)
        self._change(component.name, "starting", identity=identity, started=time.time())

    async def _await_ready(self, component: Component, child: Child) -> None:
        deadline = time.monotonic() + component.start_timeout
        reason, pause = "it was never asked", POLL[0]
        while time.monotonic() < deadline:
            if child.exit_code is not None:
                raise RuntimeError(exit_words(child.exit_code))
            reason = await complaint(component, PROBE_LIMIT)
            if not reason:
                return
            pending = {name for name, up in self._up.items() if not up.is_set()}
            if pending.intersection(component.timed_after):
                deadline = time.monotonic() + component.start_timeout
            await anyio.sleep(pause)
            pause = min(pause * 1.2, POLL[1])
        raise TimeoutError(f"not ready within {component.start_timeout:g} s: {reason}")

    async def _keep(self, component: Component) -> None:
        keeper = self._keepers[component.name] = Keeper()
        try:
            with keeper.scope:
                await self._keep_up(component)
        finally:
            keeper.ended.set()

    async def _keep_up(self, component: Component) -> None:
        failures = 0
        while True:
            since = time.monotonic()
            words = await self._end_of(component.name)
            failures = 0 if time.monotonic() - since > STEADY else failures
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            self._change(
                component.name, "down", f"{words}; started again in {pause:g} s", last_exit=words
            )
            await anyio.sleep(pause)
            failures += 1
            self._place.entry(component.name).restarts += 1
            await self._try_again(component)

    async def _end_of(self, name: str) -> str:
        if name not in self._children:
            return self._place.entry(name).last_exit  # it could not even be spawned
        await self._children[name].process.wait()
        return self._bury(name)

    async def _try_again(self, component: Component) -> None:
        try:
            await self._start(component)
        except Exception as error:
            words = str(error) or type(error).__name__
            self._change(component.name, "down", words, last_exit=words)
            # Not ready in time: end it, so that `_keep_up` sees an exit like any other.
            if component.name in self._children:
                signal_group(self._children[component.name].identity, signal.SIGKILL)

    def _bury(self, name: str) -> str:
        """Forget an ended child, and end what it left in its group. Returns how it ended."""
        child = self._children.pop(name)
        signal_group(child.identity, signal.SIGKILL)
        self._guard.remove(child.identity)
        self._place.entry(name).identity = None
        return exit_words(child.exit_code)

    async def _stop_all(self) -> None:
        self._place.enter("stopping")
        stopped = {name: anyio.Event() for name in self._nodes}
        before = dependents(self._nodes.values())
        async with anyio.create_task_group() as stops:
            for name in self._nodes:
                stops.start_soon(self._stop_node, name, before[name], stopped)
        self._place.enter("stopped")

    async def _stop_node(self, name: str, first: set[str], stopped: dict[str, anyio.Event]) -> None:
        for other in first:
            await stopped[other].wait()
        node = self._nodes[name]
        if name in self._children and isinstance(node, Component):
            await self._stop(node)
        stopped[name].set()

    async def _stop(self, component: Component) -> None:
        child = self._children[component.name]
        self._change(component.name, "stopping")
        if child.exit_code is None:
            child.process.send_signal(component.stop_signal)
            if not await self._ended(child, component.stop_timeout):
                signal_group(child.identity, signal.SIGKILL)
                await child.process.wait()
        words = self._bury(component.name)
        self._change(component.name, "stopped", last_exit=words)

    async def _ended(self, child: Child, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(self._cancel_in_hurry, waiting.cancel_scope)
                await child.process.wait()
                waiting.cancel_scope.cancel()
        return child.exit_code is not None

    async def _cancel_in_hurry(self, scope: anyio.CancelScope) -> None:
        await self._hurry.wait()
        scope.cancel()

    def _change(self, name: str, phase: str, words: str = "", **fields: object) -> None:
        entry = self._place.change(name, phase, **fields)
        self._report(entry, words)


async def _in_time(task: Task) -> None:
    """Run the task; raises TimeoutError when its time is over, and what it raises itself."""
    with anyio.move_on_after(task.timeout) as limit:
        await task.run()
    if limit.cancelled_caught:
        raise TimeoutError(f"not done within {task.timeout:g} s")
