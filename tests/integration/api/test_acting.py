"""On the command line an operator acts under their own key, and approves what they name."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.__main__ import app
from node.commands.acting import VARIABLE, make_approval_key, sign_digest
from node.commands.proposals import approve, print_proposals, propose_on_record, reject, sign
from tests.fakes.world import ETHEREUM
from tests.integration.api.conftest import ApiNode
from tests.integration.api.test_proposals import token
from wallet.access.keys import CUSTOMER_SCOPES, OPERATOR_SCOPES
from wallet.errors import NotAllowed, OwnProposal
from wallet.listings.draft import Wish, draft_listing
from wallet.proposals.find import list_proposals, proposal_view


async def test_who_acts_says_so_by_their_own_key_and_names_the_act(
    api_node: ApiNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world, context = api_node.world, api_node.world.context
    ann, ben = [await world.key(await world.operator(f"{name}_acts"), *OPERATOR_SCOPES) for name in ("ann", "ben")]
    wish = Wish(ETHEREUM, token(api_node, 201), "TOK201", sweep_min="5")
    drafting = lambda: draft_listing(context, wish, "asked for")  # noqa: E731
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(NotAllowed, match=VARIABLE):
        await propose_on_record(context, drafting, as_json=False)
    monkeypatch.setenv(VARIABLE, await world.key(await world.customer("carl_acts"), *CUSTOMER_SCOPES))
    with pytest.raises(NotAllowed, match="no operator's"):
        await propose_on_record(context, drafting, as_json=False)
    monkeypatch.setenv(VARIABLE, ann)
    await propose_on_record(context, drafting, as_json=False)
    view = proposal_view((await list_proposals(context, []))[0])
    name, words = str(view["id"]), str(view["words"])
    assert words in capsys.readouterr().out
    with pytest.raises(OwnProposal):
        await approve(context, name, words, None)
    monkeypatch.setenv(VARIABLE, ben)
    with pytest.raises(NotAllowed, match="not the act"):
        await approve(context, name, "lusab-babad", None)
    key = tmp_path / "ben.key"
    public = make_approval_key(key)
    await sign(context, name, words, key)
    await approve(context, name, str(view["digest"]), key)
    approved = proposal_view((await list_proposals(context, ["approved"]))[0])
    assert (approved["id"], approved["signed_by"]) == (name, [public])
    capsys.readouterr()
    await print_proposals(context, everything=False, as_json=False)
    assert name in capsys.readouterr().out
    await reject(context, name, "thought again")
    capsys.readouterr()
    await print_proposals(context, everything=False, as_json=False)
    assert name not in capsys.readouterr().out


def test_an_approval_key_is_made_once(tmp_path: Path) -> None:
    key, runner = tmp_path / "ann.key", CliRunner()
    made = runner.invoke(app, ["operator", "approval-key", str(key)])
    assert (made.exit_code, len(bytes.fromhex(made.stdout.strip()))) == (0, 32)
    assert sign_digest(key, "ab" * 32).key == made.stdout.strip()
    assert runner.invoke(app, ["operator", "approval-key", str(key)]).exit_code == 1, "none is replaced"


def test_an_approval_key_that_others_may_read_signs_nothing(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    with pytest.raises(NotAllowed, match="0600"):
        sign_digest(key, "ab" * 32)
    key.chmod(0o600)
    key.write_bytes(b"short")
    with pytest.raises(NotAllowed, match="no approval key"):
        sign_digest(key, "ab" * 32)
