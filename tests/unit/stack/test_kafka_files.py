"""What a broker is given on disk."""

import base64
import uuid
from pathlib import Path
from unittest.mock import patch

from stack.components.kafka_broker import cluster_id, new_cluster_id

DASHED = uuid.UUID(bytes=b"\xf8" + bytes(15))
PLAIN = uuid.UUID(bytes=bytes(16))


def test_a_cluster_id_never_looks_like_an_option() -> None:
    assert base64.urlsafe_b64encode(DASHED.bytes).startswith(b"-")
    with patch("uuid.uuid4", side_effect=[DASHED, PLAIN]):
        assert new_cluster_id() == "A" * 22


def test_a_cluster_keeps_its_id(tmp_path: Path) -> None:
    first = cluster_id(tmp_path)
    assert cluster_id(tmp_path) == first
    assert len(first) == 22
