"""Every id that a test carries is a promise of ours, and the tool that says so bites."""

import pytest

from tests.architecture.sources import parsed, refuse, sources
from tests.risks.__main__ import main
from tests.risks.promises import FILE, Found, RisksMalformed, complaints, found_in, read_promises

LIST = """
finished = ["LED"]
[LED-01]
severity = "S0"
promise = "one is made"
[LED-02]
severity = "S1"
promise = "it sums up"
without = "nobody has written it"
[WDR-01]
severity = "S0"
promise = "it is paid once"
"""


def found(*names: str) -> list[Found]:
    text = "\n".join(f"async def {name}() -> None: pass" for name in names)
    return list(found_in([parsed("tests/test_example.py", text)]))


def test_every_test_that_carries_an_id_keeps_a_promise() -> None:
    promises = read_promises(FILE.read_text(encoding="utf-8"))
    refuse(
        [
            f"{test.place}: {test.id} is unknown: tests/risks/risks.toml names the promises"
            for test in found_in(sources("tests"))
            if test.id not in promises.by_id
        ]
    )


def test_tests_are_found_by_their_names() -> None:
    (test,) = found("test_led_01_one_is_made", "test_led_1_x", "test_all_is_well", "led_01_not_a_test")
    assert (test.id, test.place, test.name) == ("LED-01", "tests/test_example.py:1", "test_led_01_one_is_made")


def test_a_finished_area_without_a_test_of_the_first_severity_is_a_complaint() -> None:
    promises = read_promises(LIST)
    assert complaints(promises, found("test_led_01_one")) == []
    assert complaints(promises, []) == ["LED-01: no test keeps it: one is made"]
    excused = read_promises(LIST.replace('made"', 'made"\nwithout = "hard"'))
    assert complaints(excused, []) == ["LED-01: no test keeps it: one is made"]


def test_an_id_that_nobody_promised_is_a_complaint() -> None:
    assert complaints(read_promises(LIST), found("test_led_01_one", "test_led_77_what")) == [
        "tests/test_example.py:2: LED-77 is no promise of ours"
    ]


def test_a_reason_to_have_no_test_goes_with_the_first_test() -> None:
    wrong = complaints(read_promises(LIST), found("test_led_01_one", "test_led_02_sum"))
    assert wrong == ["LED-02: has tests, and a reason to have none"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('severity = "S1"', 'severity = "S7"', "LED-02: severity"),
        ("[LED-02]", "[LED-2]", "LED-2: an id"),
        ("without", "excuse", "LED-02: severity and promise"),
        ('["LED"]', '["ABC"]', "ABC has no promise"),
        ("[LED-02]", "[LED-01]", "not TOML"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(RisksMalformed, match=said):
        read_promises(LIST.replace(old, new))


def test_the_tool_lists_promises_with_their_tests(capsys: pytest.CaptureFixture[str]) -> None:
    status = main([])
    told = capsys.readouterr().out
    assert "LED-01 S0  Many payments of one whole balance" in told
    assert "test_led_01_of_64_payments_of_a_whole_balance_exactly_one_is_made" in told
    assert (status == 1) == ("\nwrong: " in told)


def test_every_promise_of_the_first_severity_in_a_finished_area_is_kept_by_a_test() -> None:
    refuse(complaints(read_promises(FILE.read_text(encoding="utf-8")), list(found_in(sources("tests")))))
