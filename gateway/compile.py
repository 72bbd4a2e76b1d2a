"""Everything that is derived from the protos and committed, as file → text."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.access.matrix import matrix
from gateway.access.page import page
from gateway.asyncapi.document import asyncapi
from gateway.deployments import Deployment
from gateway.model import Model
from gateway.openapi.document import openapi
from gateway.realm import realm
from gateway.subjects import subjects
from gateway.topics import topics

ROOT = Path(__file__).resolve().parent.parent
EDGE = Path("envoy/generated")
PARTS = Path("gateway/generated")
DOCS = Path("docs")
"""Shared with what people write: nothing in it is left over."""


def outputs(model: Model, deployment: Deployment, people: list[dict[str, Any]]) -> dict[Path, str]:
    """Relative path → text: the edge of `deployment`, realm, topics, subjects and documents.

    Secrets are left to the environment of Keycloak's import (`${CAUSEWAY_SECRET_CLIENT_ORDERS}`).
    """
    from gateway.envoy.edge import emit
    from gateway.envoy.typed import text

    secrets = {area: f"${{CAUSEWAY_SECRET_CLIENT_{area.upper()}}}" for area in model.areas}
    derived: dict[str, object] = {
        "realm.json": realm(
            model, secrets, secure=False, people=people, origins=deployment.origins
        ),
        "topics.json": [asdict(topic) for topic in topics(model)],
        "subjects.json": [asdict(subject) for subject in subjects(model)],
    }
    edge = {EDGE / name: content for name, content in emit(model, deployment).files().items()}
    parts = {PARTS / name: text(value) for name, value in derived.items()}
    return edge | parts | {DOCS / name: content for name, content in documents(model).items()}


def documents(model: Model) -> dict[str, str]:
    """File name → text of what is written for people and their tools."""
    from gateway.envoy.typed import text

    return {
        "openapi.json": text(openapi(model)),
        "asyncapi.json": text(asyncapi(model)),
        "access.json": text(matrix(model)),
        "access.md": page(model),
    }


def write(wanted: Mapping[Path, str], root: Path = ROOT) -> list[Path]:
    """Write what differs, remove what is left over; returns the paths that changed."""
    changed = differences(wanted, root)
    for path in changed:
        target = root / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], encoding="utf-8")
        else:
            target.unlink()
    return changed


def differences(wanted: Mapping[Path, str], root: Path = ROOT) -> list[Path]:
    """Paths whose text below `root` is another one, that are missing, or that are left over."""
    ours = [path for folder in (EDGE, PARTS) for path in (root / folder).glob("*.json")]
    documented = [root / path for path in wanted if path.parent == DOCS]
    present = {
        path.relative_to(root): path.read_text(encoding="utf-8")
        for path in (*ours, *documented)
        if path.exists()
    }
    return sorted(
        path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path)
    )
