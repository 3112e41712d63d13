"""A function fits a screen and a file can be read in one go."""

from collections.abc import Iterator
from statistics import median

from tests.architecture.sources import (
    EVERYTHING,
    PRODUCT,
    Source,
    bites,
    functions,
    length,
    refuse,
    sources,
    violations,
)

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
FUNCTION_LINES_TYPICAL = 10
FILE_LINES_TYPICAL = 200


def long_functions(source: Source) -> Iterator[str]:
    for function in functions(source):
        if length(function) > FUNCTION_LINES_MAX:
            yield source.at(function, f"{function.name} has {length(function)} lines")


def long_file(source: Source) -> Iterator[str]:
    if source.lines > FILE_LINES_MAX:
        yield source.at(source.tree, f"{source.lines} lines")


def test_no_function_is_longer_than_a_screen() -> None:
    refuse(violations(long_functions))


def test_no_file_is_too_long_to_read() -> None:
    refuse(violations(long_file))


def test_most_functions_and_files_are_short() -> None:
    assert median(length(f) for source in sources(*PRODUCT) for f in functions(source)) <= FUNCTION_LINES_TYPICAL
    assert median(source.lines for source in sources(*EVERYTHING)) <= FILE_LINES_TYPICAL


def test_the_rules_on_sizes_bite() -> None:
    body = "def f():\n" + "    pass\n" * FUNCTION_LINES_MAX
    assert bites(long_functions, body)
    assert bites(long_functions, f"async {body}")
    assert not bites(long_functions, body.removesuffix("    pass\n"))
    assert bites(long_file, "\n" * (FILE_LINES_MAX + 1))
