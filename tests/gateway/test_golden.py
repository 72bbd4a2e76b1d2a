"""in/<case>.proto → out/<case>/*. `pytest tests/gateway --update` rewrites what differs."""

import base64
import json
from dataclasses import asdict
from typing import Any

import pytest

from gateway.compile import documents
from gateway.deployments import Address, Deployment, Tls
from gateway.envoy import documents as envoy_documents
from gateway.envoy import names, tls
from gateway.envoy.edge import emit
from gateway.envoy.typed import text
from gateway.model import Model
from gateway.realm import realm
from gateway.subjects import subjects
from gateway.topics import topics
from tests.gateway.cases import CASES, HERE, model_of_case

# What depends on the protos; the rest is the same for every case and is kept once.
PER_CASE = ("rds.json", "cds.json", f"ecds_{names.AUTHENTICATION}.json",
            f"ecds_{names.AUTHORIZATION}.json", f"ecds_{names.CALLER_LIMIT}.json",
            f"ecds_{names.TRANSCODER}.json")  # fmt: skip
FIXED = ("bootstrap.json", "lds.json", tls.SECRET_FILE)


def emitted(case: str) -> dict[str, str]:
    """Everything that the compiler makes of one case: file name → text."""
    model = model_of_case(case)
    edge = emit(model, deployment(model)).files()
    kept = FIXED + PER_CASE if case == CASES[0] else PER_CASE
    parts: dict[str, Any] = {
        "realm.json": realm(model, {area: f"secret of {area}" for area in model.areas}),
        "topics.json": [asdict(topic) for topic in topics(model)],
        "subjects.json": [asdict(subject) for subject in subjects(model)],
    }
    binary = base64.b64encode(model.descriptors).decode()
    long = {binary: "the descriptors"}
    for document in envoy_documents.documents(model):
        long[json.dumps(document.text, ensure_ascii=False)[1:-1]] = "the document"
        long[document.etag.strip('"')] = "its digest"
    return {
        **{name: _shortened(edge[name], long) for name in kept},
        **{name: text(value) for name, value in parts.items()},
        **documents(model),
    }


def _shortened(content: str, long: dict[str, str]) -> str:
    for part, name in long.items():
        content = content.replace(part, name)
    return content


def deployment(model: Model) -> Deployment:
    return Deployment(
        root="/edge",
        listen=Address("127.0.0.1", 8080),
        admin=Address("127.0.0.1", 9901),
        clusters={
            area: (Address("127.0.0.1", 10100), Address("127.0.0.1", 10101)) for area in model.areas
        },
        issuer="http://127.0.0.1:8180/realms/causeway",
        keycloak=Address("127.0.0.1", 8180),
        origins=("http://localhost:3000",),
        tls=Tls(Address("127.0.0.1", 8443), "/edge/tls"),
    )


@pytest.mark.parametrize("case", CASES)
def test_a_proto_compiles_to_what_is_written_down(case: str, update: bool) -> None:
    folder = HERE / "out" / case
    made = emitted(case)
    if update:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, content in made.items():
            (folder / name).write_text(content, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert sorted(made) == sorted(kept)
    for name, content in made.items():
        if name.endswith(".json"):  # pytest shows where two objects differ better than two texts
            assert json.loads(content) == json.loads(kept[name]), f"out/{case}/{name} differs"
        assert content == kept[name]
