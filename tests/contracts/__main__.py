"""Whether the bytes that stand in the code are what their sources compile to: reads what `compile.js` prints."""

import sys

from chains.evm import balances, payout

IN_THE_CODE = {
    "BalanceReader.yul": balances.CODE.removeprefix("0x"),
    "PayoutContract.yul": payout.CREATION.hex(),
}


def main() -> int:
    found = dict(line.split() for line in sys.stdin if ".yul " in line)
    wrong = [name for name, code in IN_THE_CODE.items() if found.get(name) != code]
    for name in IN_THE_CODE:
        sys.stdout.write(f"{name}: {'NOT what stands in the code' if name in wrong else 'as it stands in the code'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
