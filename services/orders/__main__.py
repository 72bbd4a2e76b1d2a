"""`python -m services.orders api|worker`"""

import sys

PROCESSES = ("api", "worker")


def main(arguments: list[str]) -> int:
    """Run one process of Orders; 0 told to stop, 1 failed, 2 usage."""
    if len(arguments) != 1 or arguments[0] not in PROCESSES:
        sys.stderr.write("usage: python -m services.orders api|worker\n")
        return 2
    from bridge.server.process import run
    from services.orders import bootstrap

    process = bootstrap.api if arguments[0] == "api" else bootstrap.worker
    return run(f"orders-{arguments[0]}", process)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
