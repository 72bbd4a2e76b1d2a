"""The whole edge: every resource once as a typed message, then written in two ways."""

from collections.abc import Mapping
from dataclasses import dataclass

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.message import Message

from gateway.deployments import Deployment
from gateway.envoy import bootstrap, clusters, filters, listener, routes, tls
from gateway.envoy.typed import pack, plain, resources, text, typed
from gateway.model import Model

BOOTSTRAP = "bootstrap.json"


@dataclass(frozen=True, slots=True)
class Edge:
    """The resources. A test may replace one of them to see what it is there for.

    `process` is the bootstrap but for the resources, `listeners` are without filters and routes.
    """

    deployment: Deployment
    process: Bootstrap
    listeners: tuple[Listener, ...]
    filters: Mapping[str, Message]
    routes: RouteConfiguration
    clusters: tuple[Cluster, ...]
    endpoints: tuple[ClusterLoadAssignment, ...]

    def files(self) -> dict[str, str]:
        """File name → text, as Envoy reads and watches them below `<root>/current`."""
        chain = {
            f"ecds_{name}.json": resources(
                typed(TypedExtensionConfig, name=name, typed_config=pack(message))
            )
            for name, message in self.filters.items()
        }
        members = {
            clusters.endpoints_file(one.cluster_name): resources(one) for one in self.endpoints
        }
        root, certificates = self.deployment.root, self.deployment.tls
        open_ports = (listener.discovered(one, self.filters, root) for one in self.listeners)
        return {
            BOOTSTRAP: text(plain(bootstrap.watching(self.process, root))),
            "lds.json": resources(*open_ports),
            "rds.json": resources(self.routes),
            "cds.json": resources(*self.clusters),
            **chain,
            **members,
            **({tls.SECRET_FILE: resources(tls.secret(certificates))} if certificates else {}),
        }

    def inline(self) -> str:
        """The same as one bootstrap without files, for `envoy --mode validate`."""
        return text(plain(self.whole()))

    def whole(self) -> Bootstrap:
        """What `inline` writes, as a message."""
        members = {one.cluster_name: one for one in self.endpoints}
        whole = [listener.inline(one, self.filters, self.routes) for one in self.listeners]
        static = [_static(cluster, members.get(cluster.name)) for cluster in self.clusters]
        return bootstrap.whole(self.process, whole, static)


def emit(model: Model, deployment: Deployment) -> Edge:
    """Compile the model for one deployment. Raises ValueError naming areas without an address."""
    if missing := set(model.areas) - {area for area, found in deployment.clusters.items() if found}:
        raise ValueError(f"the deployment has no address for {', '.join(sorted(missing))}")
    return Edge(
        deployment=deployment,
        process=bootstrap.process(deployment),
        listeners=listener.listeners(deployment),
        filters=filters.filters(model, deployment),
        routes=routes.routes(model, deployment),
        clusters=clusters.clusters(deployment),
        endpoints=tuple(clusters.endpoints(deployment)),
    )


def _static(cluster: Cluster, members: ClusterLoadAssignment | None) -> Cluster:
    if members is None:
        return cluster
    static = Cluster()
    static.CopyFrom(cluster)
    static.type = Cluster.STATIC
    static.load_assignment.CopyFrom(members)
    static.ClearField("eds_cluster_config")
    return static
