"""Lists each promise with the tests that keep it. Exit status 1 when an S0 promise of a finished area has none, or a test
carries an id that is no promise."""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.architecture.sources import sources
from tests.risks.promises import FILE, Found, Promises, complaints, found_in, read_promises


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.risks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a list")
    asked = parser.parse_args(arguments)
    promises, found = read_promises(FILE.read_text(encoding="utf-8")), list(found_in(sources("tests")))
    by_id: dict[str, list[Found]] = defaultdict(list)
    for test in found:
        by_id[test.id].append(test)
    wrong = complaints(promises, found)
    sys.stdout.write(_as_json(promises, by_id, wrong) if asked.json else _as_list(promises, by_id, wrong))
    return 1 if wrong else 0


def _as_list(promises: Promises, by_id: Mapping[str, Sequence[Found]], wrong: Sequence[str]) -> str:
    lines = []
    for promise in promises.by_id.values():
        lines.append(f"{promise.id} {promise.severity}  {promise.text}")
        lines += [f"    {test.place} {test.name}" for test in by_id.get(promise.id, ())]
        if promise.id not in by_id:
            lines.append(f"    no test: {promise.without or 'not yet'}")
    kept = sum(name in by_id for name in promises.by_id)
    lines.append(f"{kept} of {len(promises.by_id)} promises are kept by {sum(map(len, by_id.values()))} tests")
    return "\n".join([*lines, *(f"wrong: {line}" for line in wrong)]) + "\n"


def _as_json(promises: Promises, by_id: Mapping[str, Sequence[Found]], wrong: Sequence[str]) -> str:
    told = {
        promise.id: {
            "severity": promise.severity,
            "promise": promise.text,
            "without": promise.without,
            "tests": [f"{test.place} {test.name}" for test in by_id.get(promise.id, ())],
        }
        for promise in promises.by_id.values()
    }
    return json.dumps({"ok": not wrong, "promises": told, "wrong": list(wrong)}) + "\n"


if __name__ == "__main__":
    sys.exit(main())
