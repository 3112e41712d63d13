"""What operators do on the command line about limits and saved destinations."""

import json
from dataclasses import replace

import pytest

from node.commands.destinations import remove_from, save_for, saved_of
from node.commands.limits import print_limits, set_limits
from tests.fakes.world import World
from wallet.explain.explain import explain_object
from wallet.explain.viewer import OPERATOR
from wallet.safeguards.change import set_rules
from wallet.safeguards.floor import SafetyFloor
from wallet.safeguards.rules import Caps, Rules


async def test_limits_are_set_shown_and_lifted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    context, alice = replace(world.context, safety_floor=SafetyFloor(0, 60)), await world.customer("alice")
    await set_rules(context, "test", alice, Rules(saved_only=True, caps={"BTC": Caps(day_units=5)}))
    await set_rules(context, "test", alice, Rules())
    await set_limits(context, "@alice", "EUR", ("10.00", None, "500.00"), "new here", payments=True)
    assert await print_limits(context, "@alice", as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "rules: saved destinations alone; a new one waits at least 0 s; BTC per_24h 0.00000005"
    assert lines[1].endswith(": any destination; a new one waits at least 0 s")
    assert lines[2:] == [
        "BTC per_24h (customer, withdrawals): 0.00000005 of 0.00000005 left",
        "EUR per_withdrawal (operator, withdrawals and payments): 10.00 of 10.00 left",
        "EUR per_7d (operator, withdrawals and payments): 500.00 of 500.00 left",
    ]
    view = await set_limits(context, "alice", "EUR", (None, None, None), "known by now", payments=False)
    assert view["operator_limits"] == []
    await print_limits(context, alice, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["rules"]["saved_only"], [one["asset"] for one in told["left"]]) == (True, ["BTC"])


async def test_a_destination_is_saved_listed_explained_and_removed(world: World) -> None:
    await world.customer("alice")
    saved = await save_for(world.context, "@alice", "bitcoin", "outside-1", None, "cold")
    assert [one["id"] for one in await saved_of(world.context, "alice")] == [saved["id"]]
    explained = await explain_object(world.context, str(saved["id"]), OPERATOR)
    assert explained["noun"] == "saved destination"
    assert "It can be used from" in explained["words"][1]
    await remove_from(world.context, "alice", str(saved["id"]))
    assert await saved_of(world.context, "alice") == []
    assert "It was removed on" in (await explain_object(world.context, str(saved["id"]), OPERATOR))["words"][1]
