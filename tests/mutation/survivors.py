"""Mutants that no test notices, with the reason why none should."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.run import Mutant

FILE = Path(__file__).with_name("survivors.toml")

Named = tuple[str, str, str, str]  # module, function, was, became


def named(mutant: Mutant) -> Named:
    return (mutant.module, mutant.function, mutant.was, mutant.became)


def explained() -> dict[Named, str]:
    """From survivors.toml."""
    told = tomllib.loads(FILE.read_text(encoding="utf-8")).get("survivor", [])
    return {(one["module"], one["function"], one["was"], one["became"]): one["why"] for one in told}


def unexplained(survivors: Iterable[Mutant]) -> list[Mutant]:
    reasons = explained()
    return [mutant for mutant in survivors if named(mutant) not in reasons]
