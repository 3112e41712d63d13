"""What is aimed at, in one list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """`least` or `most` that the figure may be; neither: it is only told."""

    measurement: str
    figure: str
    least: float | None = None
    most: float | None = None

    def told(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else "told"

    def judged(self, value: float) -> str:
        if self.least is None and self.most is None:
            return ""
        met = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        return "yes" if met else "no"


AIMS = (
    Aim("address_book", "memory_ratio", most=0.2),
    Aim("address_book", "startup_s"),
    Aim("addresses", "btc_speedup", least=25),
    Aim("addresses", "evm_speedup", least=50),
    Aim("addresses", "evm_speedup_seed_kept"),
    Aim("addresses", "share_of_limit", least=0.5),
    Aim("journal", "ratio_200", least=2),
    Aim("journal", "ratio_1000", least=3.5),
    Aim("journal", "ratio_4000", least=4.5),
    Aim("journal", "hot_over_cold", least=0.9),
    Aim("journal", "vs_row_locks", least=5),
    Aim("journal", "vs_row_locks_hot", least=15),
    Aim("scan_bitcoin", "speedup", least=80),
    Aim("scan_bitcoin", "whole_speedup"),
    Aim("rpc", "single_speedup", least=8),
    Aim("rpc", "batch_speedup", least=25),
    Aim("catch_up", "evm_blocks_per_s"),
    Aim("catch_up", "bitcoin_blocks_per_s"),
    Aim("catch_up", "waiting_share"),
    Aim("coin_selection", "ours_10_ms"),
    Aim("coin_selection", "ours_1000_ms"),
    Aim("coin_selection", "ours_10000_ms"),
    Aim("coin_selection", "ours_10_waste_units"),
    Aim("coin_selection", "draw_10_waste_units"),
    Aim("coin_selection", "ours_1000_waste_units"),
    Aim("coin_selection", "draw_1000_waste_units"),
    Aim("coin_selection", "ours_10000_waste_units"),
    Aim("coin_selection", "draw_10000_waste_units"),
    Aim("latency", "p99_s", most=1),
    Aim("payouts_gas", "erc20_existing_ratio", most=0.35),
    Aim("payouts_gas", "erc20_new_ratio", most=0.6),
    Aim("payouts_gas", "ether_existing_ratio", most=0.6),
    Aim("payouts_gas", "ether_new_ratio"),  # above 1: why the node pays new accounts one by one
    Aim("scan_evm", "speedup_1m", least=50),
    Aim("scan_evm", "speedup_10m", least=40),
    Aim("sign", "share_of_eth_account", least=0.5),
    Aim("sign", "single_per_s"),
    Aim("slow_disk", "ratio_slow_disk", least=4),
    Aim("withdraw", "evm_per_s"),
    Aim("withdraw", "bitcoin_per_s"),
    Aim("withdraw", "bitcoin_batched_per_s"),
    Aim("withdraw", "open_cost_ratio"),
    Aim("http", "payments_ratio", least=1),
    Aim("http", "batch_ratio", least=3),
    Aim("http", "guard_ratio", least=0.45),
    Aim("history", "deep_page_ratio", most=1.5),
    Aim("history", "past_balance_ratio", most=5),
    Aim("export", "first_byte_share", most=0.05),
    # 100,000 rows are 18 MB as the file and some 100 MB as rows in Python; what a flat export has at hand (two chunks, buffers,
    # and what statements the driver keeps) is 3 to 6, for a tenth of the rows too. Whoever holds the file is above 10.
    Aim("export", "memory_growth_mb", most=10),
    Aim("verify", "entries_per_s"),
    Aim("verify", "share_of_select", least=0.69),  # half the gap to 1 that was there, 0.38
    Aim("verify", "alone_entries_per_s"),
    Aim("recovery", "backup_s"),
    Aim("recovery", "restore_s", most=900),  # CRS-12: a million entries within a quarter of an hour
    Aim("recovery", "beside_verify"),
)
