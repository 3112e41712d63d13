"""`coffer approve` on a machine without a node: what is shown is what is signed, and what the signer checks."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from chains.signer.judging.judge import judge
from chains.signer.judging.policy import read_policy
from chains.signer.kinds import weigh
from node.commands.acting import make_approval_key
from node.commands.approvals import act_lines, read_act, sign_act_file
from tests.unit.signer.scene import BITCOIN_OUTSIDE, KEYS, NETWORKS, bitcoin_payload, bitcoin_request
from tests.unit.signer.test_approvals import UNUSED
from wallet.errors import NotAllowed
from wallet.ports import Approval, SignerRefused
from wallet.proposals.digest import withdrawal_content

ACT = {
    "format": "coffer/withdrawal-act/1",
    "withdrawal": "wdr_1",
    "act": withdrawal_content("bitcoin", "BTC", BITCOIN_OUTSIDE, 10_000_000, 8),
}


def written(tmp_path: Path, act: object) -> Path:
    file = tmp_path / "act.json"
    file.write_text(json.dumps(act), encoding="utf-8")
    return file


def test_key_04_what_the_offline_tool_shows_and_signs_is_what_the_signer_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "ann.key"
    asset = {**NETWORKS["bitcoin"]["assets"]["BTC"], "approvals_above": "0.01", "approvals": 1}  # type: ignore[index]
    network = {**NETWORKS["bitcoin"], "assets": {"BTC": asset}, "approvers": {"ann": make_approval_key(key)}}
    rules = read_policy({"bitcoin": network})["bitcoin"]
    file = written(tmp_path, ACT)
    asyncio.run(sign_act_file(file, key, yes=True))
    out, shown = capsys.readouterr()
    signed: dict[str, Any] = json.loads(out)
    assert shown.splitlines()[:3] == [
        "pay 0.10000000 BTC on bitcoin",
        f"to {BITCOIN_OUTSIDE}",
        "for withdrawal wdr_1",
    ]
    assert signed["digest"] in shown
    given = (Approval(signed["key"], signed["signature"], "wdr_1"),)
    paid = bitcoin_request(bitcoin_payload())
    asked = type(paid)(paid.submission, paid.network, paid.purpose, paid.references, paid.payload, paid.paths, given)
    judge(asked, weigh(asked, rules, KEYS), rules, UNUSED)
    less = bitcoin_payload(payments=((BITCOIN_OUTSIDE, 10_000_001),), change_units=19_994_999)
    other = type(paid)(paid.submission, paid.network, paid.purpose, paid.references, less, paid.paths, given)
    with pytest.raises(SignerRefused, match="0 of 1 enrolled approvers"):
        judge(other, weigh(other, rules, KEYS), rules, UNUSED)


@pytest.mark.parametrize(
    "act",
    [
        [],
        {**ACT, "format": "coffer/withdrawal-act/2"},
        {**ACT, "more": "nobody signs this"},
        {**ACT, "act": {**ACT["act"], "note": "nor this"}},  # type: ignore[dict-item]
        {**ACT, "act": {"network": "bitcoin"}},
        {**ACT, "withdrawal": 7},
        {**ACT, "act": {**ACT["act"], "destination": "bc1q\u202eevil"}},  # type: ignore[dict-item]
        {**ACT, "act": {**ACT["act"], "amount": "0.1\n9"}},  # type: ignore[dict-item]
    ],
)
def test_a_file_that_says_more_or_less_than_what_is_signed_is_refused(tmp_path: Path, act: object) -> None:
    with pytest.raises(NotAllowed):
        read_act(written(tmp_path, act))


def test_the_lines_are_of_the_act_alone(tmp_path: Path) -> None:
    act = read_act(written(tmp_path, ACT))
    assert act_lines(act)[3:] == [f"  digest  {act.digest.hex()}", f"  words   {act.words}"]
