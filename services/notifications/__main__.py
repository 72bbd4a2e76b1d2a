"""`python -m services.notifications api|worker`"""

import sys

from bridge.server.process import main

if __name__ == "__main__":
    sys.exit(main("services.notifications", sys.argv[1:]))
