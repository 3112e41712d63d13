"""mutmut in a copy of the project, and what it found.

mutmut switches a mutant on when the tests are imported already. What runs at import itself, such as how columns are spelt, it
so never sees changed: therefore whatever survived is looked at once more, each in a process that has it from its start.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from difflib import ndiff
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tests.mutation.modules import TESTS

FROM_START_LIMIT_S = 300.0  # some seconds of tests, on a machine that does much besides
_FROM_START = "from_start.json"
COPIED = ("wallet", "chains", "api", "node", "tests", "pyproject.toml", "README.md")
_CONFIGURATION = """

[tool.mutmut]
source_paths = ["wallet"]
only_mutate = {mutated}
also_copy = ["chains", "api", "node", "tests"]
pytest_add_cli_args = ["--hypothesis-profile=ci"]
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
"""
# mutmut has no command that makes them and runs nothing; these are the first steps of its `run`.
_MAKE = """
import os
from mutmut import __main__ as mutmut
mutmut.set_mutant_under_test("mutant_generation")
os.makedirs("mutants", exist_ok=True)
mutmut.copy_src_dir()
mutmut.copy_also_copy_files()
mutmut.setup_source_paths()
mutmut.create_mutants(2)
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`key` is mutmut's name for it; `was` and `became` are the lines that differ, in the spelling of `ast.unparse`; `status`
    in mutmut's words."""

    key: str
    module: str
    function: str
    was: str
    became: str
    status: str

    @property
    def is_noticed(self) -> bool:
        return self.status in {"killed", "timeout", "segfault"}


def prepare(root: Path, folder: Path, modules: Sequence[str]) -> None:
    """The copy, with every mutant made and none judged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in COPIED:
        source, ignored = root / name, shutil.ignore_patterns("__pycache__", "node_modules")
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    with folder.joinpath("pyproject.toml").open("a", encoding="utf-8") as configuration:
        configuration.write(_CONFIGURATION.format(mutated=json.dumps(list(modules)), tests=json.dumps(list(TESTS))))
    subprocess.run([sys.executable, "-c", _MAKE], cwd=folder, check=True)


def run_mutmut(folder: Path, mutants: Sequence[Mutant], at_once: int) -> None:
    """Raises CalledProcessError if the tests do not even pass as they are, each called by its name.

    The mutants are always named, all of them too: only then does mutmut first run their tests by name. A test that cannot be
    named on a command line would count as one that has noticed."""
    names = [mutant.key for mutant in mutants]
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(at_once), *names]
    subprocess.run(command, cwd=folder, check=True)


def judge_from_start(folder: Path, mutants: Sequence[Mutant], at_once: int) -> None:
    """Runs the tests on each of these, in a process of its own; `found` tells what came of it. Raises CalledProcessError if
    the tests do not pass as they are."""
    if (code := _judged_from_start(folder, "")) != 0:
        raise subprocess.CalledProcessError(code, "pytest")
    with ThreadPoolExecutor(at_once) as pool:
        codes = list(pool.map(lambda mutant: _judged_from_start(folder, mutant.key), mutants))
    noticed = [mutant.key for mutant, code in zip(mutants, codes, strict=True) if code != 0]
    folder.joinpath(_FROM_START).write_text(json.dumps(noticed), encoding="utf-8")


def _judged_from_start(folder: Path, key: str) -> int:
    command = [sys.executable, "-m", "pytest", "-x", "--hypothesis-profile=ci", *TESTS]
    environment = {**os.environ, "MUTANT_UNDER_TEST": key}
    try:
        return subprocess.run(
            command,
            cwd=folder / "mutants",
            env=environment,
            check=False,
            timeout=FROM_START_LIMIT_S,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


def found(folder: Path, modules: Sequence[str]) -> list[Mutant]:
    file = folder / _FROM_START
    noticed = set(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else set()
    mutants = (mutant for module in modules for mutant in _of_module(folder / "mutants", module))
    return [replace(mutant, status="killed") if mutant.key in noticed else mutant for mutant in mutants]


def _of_module(mutated: Path, module: str) -> Iterator[Mutant]:
    results = json.loads(mutated.joinpath(f"{module}.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
    functions = _functions(mutated / module)
    for name, code in results.items():
        changed = name.rpartition(".")[2]
        stem = changed.rpartition("__mutmut_")[0]
        original = functions[f"{stem}__mutmut_orig"]
        if isinstance(original, ast.FunctionDef):
            was, became = _difference(original, functions[changed], stem)
            yield Mutant(name, module, _readable(stem), was, became, status_by_exit_code[code])


def _functions(file: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _readable(stem: str) -> str:
    """mutmut writes `xǁTreeǁpath` for a method and `x_leaf` for a function."""
    return stem.removeprefix("xǁ").replace("ǁ", ".") if stem.startswith("xǁ") else stem.removeprefix("x_")


def _difference(original: ast.FunctionDef, changed: ast.AST, name: str) -> tuple[str, str]:
    before, after = _lines(original, name), _lines(changed, name)
    lines = list(ndiff(before, after))
    was, became = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    return " ".join(was), " ".join(became)


def _lines(function: ast.AST, name: str) -> list[str]:
    """Under the one name, so that only what was changed differs."""
    assert isinstance(function, ast.FunctionDef)
    function.name, function.decorator_list = name, []
    return ast.unparse(function).splitlines()
