"""The node's own demands, from its configuration: the least that holds for every customer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SafetyFloor:
    """`destination_delay_s` is how long a newly saved destination waits before its first use, `loosening_s` the least time
    that loosening a customer's own rule takes. `saved_only`: withdrawals go to saved destinations alone."""

    destination_delay_s: int = 0
    loosening_s: int = 0
    saved_only: bool = False
