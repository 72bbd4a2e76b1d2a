"""What `causeway compile` does: the committed files first, then the platform that runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.console import say
from stack.errors import Code, StackError
from stack.generated import ROOT, regenerate, require_generated

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.model import Model


@contextmanager
def alone() -> Iterator[None]:
    """Be the only `compile` of this checkout: its files are written in place."""
    from filelock import FileLock

    lock = ROOT / ".causeway" / "compile.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        yield


def check() -> None:
    """Say that every committed file is what the protos say, or name those that differ; exits 1."""
    from gateway.compile import differences

    require_generated()
    wanted = _wanted(_model())
    if differing := differences(wanted):
        sys.stderr.writelines(f"differs: {path}\n" for path in differing)
        sys.stderr.write("next: causeway compile\n")
        sys.exit(1)
    say(f"{len(wanted)} files are what the protos say")


def compile_files(*, dry_run: bool) -> "Model":
    """Write the modules and the committed files that differ, or say which would be written."""
    from gateway.compile import differences, write

    if dry_run:
        require_generated()
    changed = [] if dry_run else [f"protos/{name}" for name in regenerate()]
    model = _model()
    wanted = _wanted(model)
    changed += [str(path) for path in (differences(wanted) if dry_run else write(wanted))]
    verb = "would change" if dry_run else "wrote"
    say("\n".join(f"{verb:<10} {path}" for path in changed) or "files      as the protos say")
    return model


async def make_live(model: "Model", dry_run: bool, restart: bool, drain: float) -> None:
    """Bring the platform that runs into line; say so where none runs."""
    from stack.live.apply import compare_and_apply, late_services, restart_services
    from stack.live.targets import Comparison
    from stack.running import running_platform

    try:
        platform, record = running_platform()
    except StackError as error:
        if error.code is not Code.NOT_RUNNING:
            raise
        say("platform   does not run; the next `causeway up` begins with this")
        return
    if record.phase != "running":
        cause = f"the platform is {record.phase}, so it was not brought into line"
        raise StackError(Code.CHANGE_FAILED, cause, "causeway compile   (once it runs)")
    settings, parts = platform.settings, record.entries.keys()
    comparison = Comparison(settings, platform.credentials, platform.choices)
    await compare_and_apply(comparison, model, parts, say, dry_run=dry_run)
    late = late_services(settings, model, parts)
    if not late:
        say("services   started with these protos")
    elif dry_run or not restart:
        verb = "would be restarted" if restart else "still enforce the protos of before"
        say(f"services   {', '.join(late)}: {verb} (causeway restart {late[0]})")
    else:
        await restart_services(settings, late, drain, say)


def _model() -> "Model":
    from gateway.descriptors import load
    from gateway.errors import ModelError
    from gateway.reading import read_model

    try:
        return read_model(load())
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _wanted(model: "Model") -> "dict[Path, str]":
    from gateway.compile import outputs
    from gateway.deployments import container
    from stack.provision.people import local_people

    return outputs(model, container(), local_people())
