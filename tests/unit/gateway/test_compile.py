"""`causeway compile` writes what the protos say, and `--check` names what differs."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compile import differences, outputs, write
from gateway.deployments import container
from gateway.descriptors import load
from gateway.envoy.edge import emit
from gateway.reading import read_model


def test_two_runs_give_the_same_bytes_and_nothing_differs_after_writing(tmp_path: Path) -> None:
    wanted = outputs(read_model(load()), container(), [])
    assert wanted == outputs(read_model(load()), container(), [])
    assert write(wanted, tmp_path) == sorted(wanted)
    assert write(wanted, tmp_path) == differences(wanted, tmp_path) == []


def test_what_is_changed_missing_or_left_over_is_named(tmp_path: Path) -> None:
    wanted = outputs(read_model(load()), container(), [])
    write(wanted, tmp_path)
    (tmp_path / "envoy/generated/rds.json").write_text("{}")
    (tmp_path / "envoy/generated/cds.json").unlink()
    (tmp_path / "gateway/generated/old.json").write_text("{}")
    differing = [str(path) for path in differences(wanted, tmp_path)]
    assert differing == [
        "envoy/generated/cds.json",
        "envoy/generated/rds.json",
        "gateway/generated/old.json",
    ]
    write(wanted, tmp_path)
    assert differences(wanted, tmp_path) == []


def test_an_area_without_an_address_is_an_error() -> None:
    clusters = {**container().clusters, "orders": ()}
    with pytest.raises(ValueError, match="no address for orders"):
        emit(read_model(load()), replace(container(), clusters=clusters))


def test_no_secret_is_written() -> None:
    wanted = outputs(read_model(load()), container(), [])
    realm = wanted[Path("gateway/generated/realm.json")]
    assert '"secret": "${CAUSEWAY_SECRET_CLIENT_ORDERS}"' in realm
