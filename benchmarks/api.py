"""`python -m benchmarks.api`: what whole methods cost, beside bare handlers, in one table.

Everything is on: the server kit with all its steps, one process, called directly unless it says
that the edge is between. Callers, services and PostgreSQL share the machine's cores.
"""

import sys
from contextlib import AbstractContextManager

from benchmarks import cli
from benchmarks.api_parts import ApiBench, running
from benchmarks.create import create
from benchmarks.deliver import deliver
from benchmarks.harness import Say
from benchmarks.publish import publish, publish_stream

SECONDS = 1.5
"""Of each load, after its warm-up."""
ROUNDS = 7


def _running(say: Say) -> AbstractContextManager[ApiBench]:
    return running(SECONDS, ROUNDS, say)


SUITE = cli.Suite(
    _running,
    {
        "create": create,
        "publish": publish,
        "publish-stream": publish_stream,
        "deliver": deliver,
    },
)

if __name__ == "__main__":
    sys.exit(cli.main("benchmarks.api", str(__doc__), [SUITE], sys.argv[1:]))
