"""A second bank, written in another way: dictionaries and sums. What the Journal says must be what this one says."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Step = tuple[Literal["credit", "pay", "hold", "settle", "void", "swap"], str, str, int, str]
"""What happens, who pays, who receives, how much, and which hold."""


@dataclass
class Bank:
    """`free` is what people may spend (a second asset under `name/2`), `promised` what lies in holds (name to owner and rest),
    `vault` what there is of the first and of the second asset."""

    free: Counter[str] = field(default_factory=Counter)
    promised: dict[str, tuple[str, int]] = field(default_factory=dict)
    vault: Counter[bool] = field(default_factory=Counter)

    def does(self, step: Step) -> str | None:
        """None when it is done; otherwise the code of the refusal, and nothing has changed."""
        what, payer, payee, units, name = step
        match what:
            case "credit":
                self.free[payee] += units
                self.vault[payee.endswith("/2")] += units
            case "pay":
                return self._pay([(payer, payee)], units)
            case "swap":
                return self._pay([(payer, payee), (payee + "/2", payer + "/2")], units)
            case "hold":
                return self._hold(payer, units, name)
            case "settle" | "void":
                return self._end(what, payer, units, name)
        return None

    def _pay(self, legs: list[tuple[str, str]], units: int) -> str | None:
        after = Counter(self.free)
        for payer, payee in legs:
            if after[payer] < units:
                return "insufficient_funds"
            after[payer] -= units
            after[payee] += units
        self.free = after
        return None

    def _hold(self, owner: str, units: int, name: str) -> str | None:
        if self.free[owner] < units:
            return "insufficient_funds"
        if name in self.promised:
            return "already_exists"
        self.free[owner] -= units
        self.promised[name] = (owner, units)
        return None

    def _end(self, what: str, owner: str, units: int, name: str) -> str | None:
        if what == "settle" and self.vault[False] < units:
            return "insufficient_funds"
        holder, rest = self.promised.get(name, ("", 0))
        if holder != owner or rest < units:
            return "hold_not_open"
        self.promised[name] = (holder, rest - units)
        if what == "void":
            self.free[owner] += units
        else:
            self.vault[False] -= units
        return None

    def posted(self, owner: str) -> int:
        return self.free[owner] + self.held(owner)

    def held(self, owner: str) -> int:
        return sum(rest for holder, rest in self.promised.values() if holder == owner)
