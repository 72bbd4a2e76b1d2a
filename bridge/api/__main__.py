"""`python -m bridge.api`: the bridge process."""

import sys
from functools import partial

from bridge.api.events import Events
from bridge.api.operations import Operations
from bridge.api.settings import Settings
from bridge.kafka.cluster import describe
from bridge.server.process import run
from bridge.server.reflection import full_surface
from bridge.server.serve import serve
from bridge.server.settings import ServerSettings


async def main() -> None:
    """Serve until SIGTERM."""
    settings, server = Settings.model_validate({}), ServerSettings.model_validate({})
    servicers = {
        # What they do not override, the kit answers with UNIMPLEMENTED.
        "causeway.bridge.v1.EventService": Events(),  # type: ignore[abstract]
        "causeway.bridge.v1.OperationsService": Operations(  # type: ignore[abstract]
            partial(describe, settings.brokers)
        ),
    }
    await serve(settings.listen, servicers, server, reflection=full_surface(settings.descriptors))


if __name__ == "__main__":
    sys.exit(run("bridge-api", main))
