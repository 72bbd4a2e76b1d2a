"""`python -m benchmarks`: every figure of the bridge and of the edge, in one table."""

import sys

from benchmarks import bridge, cli, edge

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks", str(__doc__), [bridge.SUITE, edge.SUITE], sys.argv[1:]))
