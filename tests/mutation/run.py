"""mutmut in a copy of the project, and what it found."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tests.mutation.modules import TESTS

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


@dataclass(frozen=True, slots=True)
class Mutant:
    """`was` and `became` are the lines that differ, in the spelling of `ast.unparse`; `status` in mutmut's words."""

    module: str
    function: str
    was: str
    became: str
    status: str

    @property
    def is_noticed(self) -> bool:
        return self.status in {"killed", "timeout", "segfault"}


def run_mutmut(root: Path, folder: Path, modules: Sequence[str], at_once: int) -> None:
    """Raises CalledProcessError if the tests do not even pass as they are."""
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
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(at_once)]
    subprocess.run(command, cwd=folder, check=True)


def found(folder: Path, modules: Sequence[str]) -> list[Mutant]:
    return [mutant for module in modules for mutant in _of_module(folder / "mutants", module)]


def _of_module(mutated: Path, module: str) -> Iterator[Mutant]:
    results = json.loads(mutated.joinpath(f"{module}.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
    functions = _functions(mutated / module)
    for name, code in results.items():
        changed = name.rpartition(".")[2]
        stem = changed.rpartition("__mutmut_")[0]
        original = functions[f"{stem}__mutmut_orig"]
        if isinstance(original, ast.FunctionDef):
            was, became = _difference(original, functions[changed])
            yield Mutant(module, _readable(stem), was, became, status_by_exit_code[code])


def _functions(file: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _readable(stem: str) -> str:
    """mutmut writes `xǁTreeǁpath` for a method and `x_leaf` for a function."""
    return stem.removeprefix("xǁ").replace("ǁ", ".") if stem.startswith("xǁ") else stem.removeprefix("x_")


def _difference(original: ast.AST, changed: ast.AST) -> tuple[str, str]:
    before, after = ast.unparse(original).splitlines()[1:], ast.unparse(changed).splitlines()[1:]
    lines = list(ndiff(before, after))
    was, became = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    return " ".join(was), " ".join(became)
