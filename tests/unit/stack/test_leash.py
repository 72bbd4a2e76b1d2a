"""A program on the leash ends with its caller."""

import subprocess

from stack.run import on_leash


def _start(*program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        on_leash(program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _ends(leash: subprocess.Popen[bytes]) -> bytes:
    """What is left to read once nobody in the group holds the output open."""
    assert leash.stdout is not None
    return leash.stdout.read()


def test_the_program_is_killed_when_the_caller_lets_go() -> None:
    with _start("/bin/sh", "-c", "sleep 600 & echo on; wait") as leash:
        assert leash.stdin is not None
        assert leash.stdout is not None
        assert leash.stdout.readline() == b"on\n"
        leash.stdin.close()
        assert _ends(leash) == b""
        assert leash.wait(5) == -9


def test_sigterm_reaches_the_program_and_its_own_end_is_reported() -> None:
    script = "trap 'echo bye; exit 7' TERM; echo on; while :; do sleep 0.05; done"
    with _start("/bin/sh", "-c", script) as leash:
        assert leash.stdout is not None
        assert leash.stdout.readline() == b"on\n"
        leash.terminate()
        assert _ends(leash) == b"bye\n"
        assert leash.wait(5) == 7
