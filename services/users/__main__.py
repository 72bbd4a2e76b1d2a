"""`python -m services.users api|worker`"""

import sys

from bridge.server.process import main

if __name__ == "__main__":
    sys.exit(main("services.users", sys.argv[1:]))
