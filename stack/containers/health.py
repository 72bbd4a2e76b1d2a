"""Health checks of the Python containers, each in its real protocol; 0 is healthy.

python -m stack.containers.health grpc 50051            grpc.health.v1.Health/Check
python -m stack.containers.health mailbox 1025 8025     an SMTP greeting and the list over HTTP
"""

import sys
from collections.abc import Sequence

LIMIT = 2.0
"""Seconds that each question may take."""


def grpc(port: int) -> str:
    """Empty where the server says SERVING; otherwise its state."""
    # Imported here: this program starts every few seconds and needs one of the two.
    import grpc as rpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with rpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=LIMIT
            )
        except rpc.RpcError as error:
            return str(error.code())
    states = health_pb2.HealthCheckResponse.ServingStatus
    return "" if answer.status == states.Value("SERVING") else str(states.Name(answer.status))


def mailbox(smtp: int, http: int) -> str:
    """Empty where both sides answer; otherwise what the first one did."""
    import smtplib
    from contextlib import closing
    from http.client import HTTPConnection, HTTPException

    try:
        with smtplib.SMTP("127.0.0.1", smtp, timeout=LIMIT) as mail:
            mail.noop()
        with closing(HTTPConnection("127.0.0.1", http, timeout=LIMIT)) as listing:
            listing.request("GET", "/health")
            with listing.getresponse() as answer:
                status = answer.status
    except (OSError, smtplib.SMTPException, HTTPException) as error:
        return str(error) or type(error).__name__
    return "" if status == 200 else f"the list answers {status}"


def main(arguments: Sequence[str]) -> int:
    """0 healthy, 1 not (and why, on stderr), 2 usage."""
    match arguments:
        case ["grpc", port]:
            complaint = grpc(int(port))
        case ["mailbox", smtp, http]:
            complaint = mailbox(int(smtp), int(http))
        case _:
            sys.stderr.write(str(__doc__))
            return 2
    if complaint:
        sys.stderr.write(f"{complaint}\n")
    return 1 if complaint else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
