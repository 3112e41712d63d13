"""The running node against its own description, tried by a fuzzer that read nothing else."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import FreshDatabases
from tests.integration.api.conftest import ApiNode, running_api
from wallet.access.keys import OPERATOR_SCOPES

WHOLE = os.environ.get("COFFER_TEST_ALL") == "1"
EXAMPLES, PHASES = ("100", "examples,coverage,fuzzing,stateful") if WHOLE else ("5", "examples,coverage,fuzzing")
LIMIT_S = 1_800  # a minute on an idle machine; with ten others at work it has taken ten
# What a schema cannot say is refused as well: a cursor of our own making, decimals of an asset, a key used before.
LEFT_OUT = "positive_data_acceptance"
# Neither the fuzzer's own slowness nor an answer's is a contradiction: on a busy machine making examples takes long, too.
PATIENCE = ("--suppress-health-check", "all", "--request-timeout", "120")
SELF_REVOKING = "delete_api_keys_key"  # the fuzzer finds its own key and revokes it, and from then on sees only 401


@pytest.fixture
async def api_node(databases: FreshDatabases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiNode]:
    """Of its own: an operator who tries everything also stops everything."""
    async with running_api(databases, tmp_path_factory) as node:
        yield node


@pytest.mark.parametrize("who", ["platform", "operator"])  # a platform may whatever a customer may
async def test_api_10_the_node_keeps_to_its_description(api_node: ApiNode, tmp_path: Path, who: str) -> None:
    person = await api_node.platform(EUR="1000.00", BTC="1")
    for network in api_node.world.networks.values():
        network.mine(network.depth)  # a network without a final block is not available, which is no mistake of the node
    operator = await api_node.world.operator(f"op_{person.handle}")
    secret = person.client.secret if who == "platform" else await api_node.world.key(operator, *OPERATOR_SCOPES)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{api_node.anybody.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {secret}", "--max-examples", EXAMPLES, "--no-color"),
        *("--phases", PHASES, "--exclude-checks", LEFT_OUT, "--exclude-operation-id", SELF_REVOKING, *PATIENCE),
    ]
    fuzzer = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            told = (await fuzzer.communicate())[0].decode()
    finally:
        if fuzzer.returncode is None:
            fuzzer.kill()
    assert fuzzer.returncode == 0, told[-6000:]
    generated = re.search(r"(\d+) generated, (\d+) passed", told)
    assert generated is not None, told[-2000:]
    assert int(generated[2]) > 200
