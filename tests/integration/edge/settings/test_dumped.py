"""Every row is so in the running Envoy, and no row in one without them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from gateway.envoy.edge import Edge
from gateway.model import Model
from tests.integration.edge import bench
from tests.integration.edge.bench import Replica
from tests.integration.edge.issuer import Issuer
from tests.integration.edge.settings.dumped import Row, dump_of, rows, shown, without_all

ROWS = {row.name: row for row in rows()}


Dumped: TypeAlias = Callable[[Callable[[Edge], Edge]], Any]


@pytest.fixture(scope="module")
def dumped(
    model: Model, issuer: Issuer, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Dumped:
    """What an edge that is changed so says that it runs on."""

    def dump(change: Callable[[Edge], Edge]) -> Any:
        root: Path = tmp_path_factory.mktemp("dumped")
        deployment = bench.deployment_of(model, root, issuer, [replica])
        # Watching: Envoy shows what it has read from files in another form.
        with bench.running(model, deployment, change) as edge:
            return dump_of(edge)

    return dump


@pytest.fixture(scope="module")
def real(dumped: Dumped) -> Any:
    return dumped(lambda edge: edge)


@pytest.fixture(scope="module")
def bare(dumped: Dumped) -> Any:
    return dumped(without_all())


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_envoy_runs_with_it(real: Any, row: Row) -> None:
    found = shown(real, row)
    assert found
    assert all(found)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_it_is_not_so_by_itself(bare: Any, row: Row) -> None:
    assert not any(shown(bare, row))
