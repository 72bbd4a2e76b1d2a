"""`python -m benchmarks`: every figure of bridge, edge and API, in one table."""

import sys

from benchmarks import api, bridge, cli, edge

SUITES = (bridge.SUITE, edge.SUITE, api.SUITE)

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks", str(__doc__), SUITES, sys.argv[1:]))
