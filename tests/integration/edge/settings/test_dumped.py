"""Every row is so in the running Envoy, and no row in one without them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import Replica, Running
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings.dumped import Row, dump_of, rows, shown, without_all

ROWS = {row.name: row for row in rows()}


@pytest.fixture(scope="module")
def real(edge: Running) -> Any:
    return dump_of(edge)


@pytest.fixture(scope="module")
def bare(
    model: Model, issuer: Issuer, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    root: Path = tmp_path_factory.mktemp("bare")
    deployment = bench.deployment_of(model, root, issuer, [replica])
    with bench.running(model, deployment, without_all()) as edge:
        yield dump_of(edge)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_envoy_runs_with_it(real: Any, row: Row) -> None:
    found = shown(real, row)
    assert found
    assert all(found)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_it_is_not_so_by_itself(bare: Any, row: Row) -> None:
    assert not any(shown(bare, row))
