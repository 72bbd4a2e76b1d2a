"""`python -m services.orders api|worker`"""

import sys

from bridge.server.process import main

if __name__ == "__main__":
    sys.exit(main("services.orders", sys.argv[1:]))
