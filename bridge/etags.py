"""Etags: the version that a change was made for (AIP-154)."""

from bridge.errors import StaleVersion


def check_etag(etag: str, name: str, version: int) -> None:
    """StaleVersion unless the etag is empty or the present one."""
    if etag and etag != str(version):
        raise StaleVersion(
            f"{name} changed since: its etag is {version}, not {etag}",
            reason="STALE_ETAG",
            metadata={"resource": name, "etag": str(version)},
        )
