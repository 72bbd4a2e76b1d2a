"""`python -m bridge.api [api|worker]`: the bridge's processes, the API where none is named."""

import sys

from bridge.server.process import main

if __name__ == "__main__":
    sys.exit(main("bridge.api", sys.argv[1:] or ["api"], "bridge"))
