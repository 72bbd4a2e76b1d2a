"""Whether a deployment says where each service of the protos runs."""

from collections.abc import Iterator

from gateway.deployments import Deployment
from gateway.descriptors import Descriptors
from gateway.errors import ModelError, Problem
from gateway.locations import Locations
from gateway.model import Model
from gateway.reading import area_of


def require_addresses(model: Model, descriptors: Descriptors, deployment: Deployment) -> None:
    """ModelError with every service whose area has no address in the deployment."""
    known = {area for area, found in deployment.clusters.items() if found}
    if set(model.areas) - known:
        raise ModelError([*_homeless(descriptors, known)])


def _homeless(descriptors: Descriptors, known: set[str]) -> Iterator[Problem]:
    locations = Locations(descriptors.files.file)
    for file in descriptors.platform_files():
        area = area_of(file.package)
        if area in known:
            continue
        text = (
            f"nobody runs {area!r}: give it an address in gateway/deployments.py and replicas in "
            "stack/credentials.py (SERVICES), or move the service to the package of one of "
            f"{', '.join(sorted(known))}"
        )
        for service in file.service:
            name = f"{file.package}.{service.name}"
            place = locations.element(name)
            line, column = (place.line, place.column) if place else (0, 0)
            yield Problem(file.name, name, "", text, line, column)
