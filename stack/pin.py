"""Writes `artifacts.toml`: every file that the local platform takes from a Maven repository.

    python -m stack.pin

Run by hand when a version changes; the result is committed. It resolves Kafka's closure
with jgo once, downloads each file, and records coordinate, size and SHA-256. Addresses are
not recorded: where a coordinate is fetched from is decided at fetch time.
"""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext

PINS = Path(__file__).with_name("artifacts.toml")

KAFKA = "org.apache.kafka:kafka_2.13:4.3.0"
# kafka_2.13 brings SLF4J 1.7 and log4j-core but no binding between them; without one the
# brokers log nothing. This is the binding of SLF4J 1.7, the one Kafka's own archive ships.
KAFKA_LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"

SINGLE = {
    "keycloak": ("org.keycloak", "keycloak-quarkus-dist", "26.5.5", "tar.gz", ""),
    "registry": ("io.apicurio", "apicurio-registry-app", "3.3.3", "tar.gz", "all"),
    "protovalidate": ("build.buf", "protovalidate", "1.3.0", "jar", ""),
}


def kafka_closure(context: MavenContext) -> list[Artifact]:
    """The broker's jars: the artifact itself, its run-time closure and the logging binding."""
    roots, closure = context.resolver.resolve([context.create_dependency(KAFKA)])
    binding = context.create_dependency(KAFKA_LOGGING)
    return [dependency.artifact for dependency in [*roots, *closure, binding]]


def pin(part: str, artifact: Artifact) -> str:
    """One table entry: part, coordinate `group:artifact:version[:classifier]@type`, facts."""
    content = artifact.resolve().read_bytes()
    names = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier]
    coordinate = ":".join(name for name in names if name)
    return (
        "[[artifact]]\n"
        f'part = "{part}"\n'
        f'coordinate = "{coordinate}@{artifact.packaging}"\n'
        f"size = {len(content)}\n"
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )


def main() -> None:
    """Resolve, download and write the table."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=120)
        wanted = [("kafka", artifact) for artifact in kafka_closure(context)]
        for part, (group, name, version, packaging, classifier) in SINGLE.items():
            component = context.project(group, name).at_version(version)
            wanted.append((part, component.artifact(classifier, packaging)))
        pins = sorted(pin(part, artifact) for part, artifact in wanted)
    header = "# Written by `python -m stack.pin`; do not edit.\n\n"
    PINS.write_text(header + "\n".join(pins), encoding="utf-8")


if __name__ == "__main__":
    main()
