"""`python -m bridge.api`: the bridge process."""

import sys

from bridge.server.process import run


def main() -> int:
    """Run it; 0 told to stop, 1 failed."""
    from bridge.api import bootstrap

    return run("bridge-api", bootstrap.api)


if __name__ == "__main__":
    sys.exit(main())
