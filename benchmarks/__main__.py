"""`python -m benchmarks`: every figure of bridge, edge and API, in one table."""

import sys

from benchmarks import api, bridge, cli, edge

if __name__ == "__main__":
    sys.exit(
        cli.main("benchmarks", str(__doc__), [bridge.SUITE, edge.SUITE, api.SUITE], sys.argv[1:])
    )
