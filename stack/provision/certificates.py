"""The files of the edge's certificate.

::

    <state>/ca.pem                 what a client trusts
    <state>/secrets/ca.key         signs; nobody but us reads it
    <root>/current -> v2           what Envoy reads; it watches the root: certificate.pem, key.pem
"""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.envoy.sources import CURRENT
from gateway.envoy.tls import CHAIN, KEY
from stack import certificates
from stack.addresses import authority as authority_file
from stack.certificates import Pair
from stack.credentials import write_secret


def provide_certificates(
    state: Path, root: Path, domains: Sequence[str], now: datetime | None = None
) -> bool:
    """Make what is missing, damaged, for other names, or about to expire; True if anything was.

    A running Envoy takes a new certificate at once, and keeps the connections that are open.
    """
    now = now or datetime.now(UTC)
    signer, made = _authority(state, domains, now)
    live = root / CURRENT
    old = _read(live / CHAIN, live / KEY)
    if old and not made and certificates.server_holds(old, signer, domains, now):
        return False
    _swap(root, certificates.server(signer, domains, now))
    return True


def _authority(state: Path, domains: Sequence[str], now: datetime) -> tuple[Pair, bool]:
    public, key = authority_file(state), state / "secrets" / "ca.key"
    old = _read(public, key)
    if old and certificates.authority_holds(old, domains, now):
        return old, False
    new = certificates.authority(domains, now)
    write_secret(key, new.key_pem)
    scratch = public.with_name(f".{public.name}")
    scratch.write_text(new.certificate_pem, "utf-8")
    scratch.replace(public)
    return new, True


def _read(certificate: Path, key: Path) -> Pair | None:
    try:
        return certificates.parse(certificate.read_text("utf-8"), key.read_text("utf-8"))
    except (OSError, ValueError):
        return None  # missing, or cut off by a crash: made anew


def _swap(root: Path, pair: Pair) -> None:
    """Both files are new ones behind one rename, so that Envoy never reads halves of two pairs."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    numbers = [int(path.name[1:]) for path in root.glob("v*") if path.name[1:].isdecimal()]
    version = root / f"v{max([0, *numbers]) + 1}"
    write_secret(version / KEY, pair.key_pem)
    (version / CHAIN).write_text(pair.certificate_pem, "utf-8")
    fresh = root / f".{CURRENT}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version.name)
    os.replace(fresh, root / CURRENT)  # noqa: PTH105 (a rename over a symlink, not into it)
    for number in sorted(numbers)[:-1]:
        shutil.rmtree(root / f"v{number}")
