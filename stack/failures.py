"""Words for what went wrong while something was started."""

import errno
import signal

from stack.errors import Code, StackError


def exit_words(code: int | None) -> str:
    """An exit code as a person reads it: "ended with exit code 1", "killed by SIGKILL"."""
    if code is None:
        return "still runs"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def start_failure(name: str, failure: Exception, log: str) -> StackError:
    """The error that ends a start: the component, the first cause, the tail of its log."""
    error = first_cause(failure)
    detail = error.detail if isinstance(error, StackError) else log
    if is_disk_full(error) or "No space left on device" in detail:
        return disk_full(f"{name} could not write", detail)
    if is_watched_out(detail):
        return StackError(
            Code.START_FAILED,
            f"{name} did not start: this user has no inotify instance left for it",
            "sysctl fs.inotify.max_user_instances   (end another Envoy, or as root: "
            "sysctl -w fs.inotify.max_user_instances=512)",
            detail=f"the end of its log:\n{detail}",
        )
    if isinstance(error, StackError):
        return error
    cause = str(error) or type(error).__name__
    return StackError(
        Code.START_FAILED,
        f"{name} did not start: {cause}",
        f"causeway logs {name}",
        detail=f"the end of its log:\n{log}" if log else "",
    )


def is_disk_full(error: BaseException) -> bool:
    """Whether the system says so, by space or by quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_watched_out(log: str) -> bool:
    """Whether Envoy ended since it could watch no more files.

    It holds about 20 inotify instances, one for each resource that it watches.
    """
    return "inotify_fd_ >= 0" in log


def disk_full(cause: str, detail: str = "") -> StackError:
    """The error for a full disk; `cause` says what could not be written."""
    return StackError(
        Code.DISK_FULL,
        f"{cause}: no space is left on the disk",
        "df -h   (then free some space, or move the state: CAUSEWAY_STATE=/elsewhere causeway up)",
        detail=detail,
    )


def first_cause(failure: BaseException) -> BaseException:
    """The exception that ended a task group, out of the groups around it."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
