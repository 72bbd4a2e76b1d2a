"""`python -m benchmarks.bridge`: every figure of the bridge beside its peer, in one table."""

import sys

from benchmarks import cli
from benchmarks.acknowledge import acknowledge
from benchmarks.append import append_alone, append_together
from benchmarks.codec import encode
from benchmarks.consume import handle, park
from benchmarks.full import full_store
from benchmarks.parts import running
from benchmarks.relay import drain
from benchmarks.replay import rebuild
from benchmarks.snapshot import long_stream

SUITE = cli.Suite(
    running,
    {
        "append": append_alone,
        "group": append_together,
        "snapshot": long_stream,
        "drain": drain,
        "acknowledge": acknowledge,
        "handle": handle,
        "park": park,
        "encode": encode,
        "rebuild": rebuild,
        "full": full_store,
    },
)

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks.bridge", str(__doc__), [SUITE], sys.argv[1:]))
