"""What `causeway compile` does: the committed files first, then the platform that runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.console import say
from stack.errors import Code, StackError
from stack.generated import ROOT, modules_aside, require_protoc

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.descriptors import Descriptors
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
    from gateway.generate import differences as stale

    require_protoc()
    with modules_aside() as fresh:
        wanted = _wanted(read(fresh)[1])
        differing = [*_modules(stale(fresh)), *map(str, differences(wanted))]
    if differing:
        sys.stderr.writelines(f"differs: {path}\n" for path in differing)
        sys.stderr.write("next: causeway compile\n")
        sys.exit(1)
    say(f"the modules and {len(wanted)} files are what the protos say")


def compile_files(fresh: "Path", model: "Model", *, dry_run: bool) -> None:
    """Take the modules below `fresh` and write the files that differ, or say which would be."""
    from gateway import compile as files
    from gateway import generate as modules

    wanted = _wanted(model)  # before anything is written: what can't be emitted costs nothing
    changed = _modules(modules.differences(fresh) if dry_run else modules.take(fresh))
    changed += map(str, files.differences(wanted) if dry_run else files.write(wanted))
    verb = "would change" if dry_run else "wrote"
    say("\n".join(f"{verb:<10} {path}" for path in changed) or "files      as the protos say")


def read(fresh: "Path") -> "tuple[Descriptors, Model]":
    """What the protos say, from the modules below `fresh`.

    Raises StackError MODEL_REFUSED with every mistake, each with its line.
    """
    from gateway.addressing import require_addresses
    from gateway.deployments import container
    from gateway.descriptors import load
    from gateway.errors import ModelError
    from gateway.generate import DESCRIPTORS
    from gateway.reading import read_model

    descriptors = load(fresh / DESCRIPTORS)
    try:
        model = read_model(descriptors)
        require_addresses(model, descriptors, container())
    except ModelError as error:
        count = len(error.problems)
        cause = f"the protos hold {count} mistake{'s' if count > 1 else ''}; nothing was written"
        next_command = "causeway compile --dry-run   (once the protos are corrected)"
        raise StackError(Code.MODEL_REFUSED, cause, next_command, detail=str(error)) from None
    return descriptors, model


async def make_live(
    descriptors: "Descriptors", model: "Model", dry_run: bool, restart: bool, drain: float
) -> None:
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
    late = late_services(settings, descriptors, model, parts)
    if not late:
        say("services   started with these protos")
    elif dry_run or not restart:
        verb = "would be restarted" if restart else "still enforce the protos of before"
        say(f"services   {', '.join(late)}: {verb} (causeway restart {late[0]})")
    else:
        await restart_services(settings, late, drain, say)


def _modules(names: list[str]) -> list[str]:
    return [f"protos/{name}" for name in names]


def _wanted(model: "Model") -> "dict[Path, str]":
    from gateway.compile import outputs
    from gateway.deployments import container
    from stack.provision.people import local_people

    return outputs(model, container(), local_people())
