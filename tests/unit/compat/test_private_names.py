"""Private parts of libraries are used in the modules for that and nowhere else."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import natsctl
import natsctl.compat
from tests.unit.test_project import tracked

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("natsctl", "testbed", "demo", "benchmarks", "deploy", "docker", "tests")
COMPAT = ("natsctl/compat/", "testbed/compat.py", "tests/compat.py", "tests/unit/compat/")
MODULES = tuple(
    importlib.import_module(f"natsctl.compat.{found.name}")
    for found in pkgutil.iter_modules(natsctl.compat.__path__)
)
# They begin with an underscore so as not to be mistaken for fields, and are documented.
PUBLIC = {"_replace", "_asdict", "_make", "_fields", "_exit"}
# Most files have nothing of the kind, which takes less time to see than to parse.
SUSPECT = re.compile(r"""\._[a-zA-Z]|["']_[a-zA-Z]|import _|ctypes|sys\.modules""")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOKS = {"getattr", "setattr", "hasattr", "delattr"}
# typing and abc give these to every class of theirs.
GIVEN = {"_is_protocol", "_is_runtime_protocol", "_abc_impl"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in PUBLIC


def own_names(tree: ast.Module) -> set[str]:
    """Private names that classes of a module give to their parts."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                found |= {part.name for part in body if isinstance(part, FUNCTIONS)}
                found |= {n.id for part in body for n in _targets(part) if isinstance(n, ast.Name)}
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                found.add(name)
    return found


def _targets(part: ast.stmt) -> list[ast.expr]:
    match part:
        case ast.AnnAssign(target=target):
            return [target]
        case ast.Assign(targets=targets):
            return targets
    return []


def foreign(tree: ast.Module, ours: set[str], of_others: set[str]) -> Iterator[str]:
    """What of a library a module uses that the library does not offer.

    `ours` are private names that it may use of its own classes, which may have bases elsewhere in
    the repository; `of_others` those of any object: a test may look into what it tests.
    """
    known = imported_of_ours(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if is_private(name):
                if name not in ours:
                    yield ast.unparse(node)
            case ast.Attribute(value=ast.Name(id=where)) if where in known and of_others:
                continue
            case ast.Attribute(attr=name) if is_private(name) and name not in of_others:
                yield ast.unparse(node)
            case ast.Attribute(value=ast.Name(id="sys"), attr="modules"):
                yield ast.unparse(node)
            case ast.Call(func=ast.Name(id=called), args=[_, ast.Constant(value=str(name)), *_]):
                if called in LOOKS and is_private(name) and name not in of_others:
                    yield ast.unparse(node)
            case ast.ImportFrom(module=str(module), names=found):
                if not _is_ours(module):
                    yield from _imported(node, module, *(each.name for each in found))
            case ast.Import(names=found):
                yield from _imported(node, *(each.name for each in found))


def imported_of_ours(tree: ast.Module) -> set[str]:
    """Modules and classes of this repository, by the names that a module has for them."""
    return {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or "")
        for each in node.names
    }


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in FOLDERS


def _imported(node: ast.stmt, *names: str) -> Iterator[str]:
    parts = [part for name in names for part in name.split(".")]
    if "ctypes" in parts or any(map(is_private, parts)):
        yield ast.unparse(node)


def files() -> dict[str, str]:
    """The content of all Python files under version control, by path."""
    python = (file for file in tracked() if file.suffix == ".py")
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in python}


def uses(path: str, text: str, product: set[str]) -> list[str]:
    """Private parts of libraries that a file uses."""
    if not SUSPECT.search(text):
        return []
    tree = ast.parse(text)
    own = own_names(tree)
    return list(foreign(tree, own | product, own | product if _is_test(path) else own))


def _is_test(path: str) -> bool:
    return path.startswith("tests/")


def test_no_other_module_uses_private_parts_of_a_library() -> None:
    listed = {path: text for path, text in files().items() if not path.startswith(COMPAT)}
    trees = (ast.parse(text) for path, text in listed.items() if not _is_test(path))
    product = set().union(*map(own_names, trees))
    found = {path: uses(path, text, product) for path, text in listed.items()}
    assert {path: those for path, those in found.items() if those} == {}


@pytest.mark.parametrize(
    "use",
    [
        "session.connector._socket_factory = opened",
        "self.session._connector",
        "self._loop",
        "getattr(metric, '_labelnames', ())",
        "setattr(connector, '_socket_factory', opened)",
        "super()._call_impl()",
        "import ctypes",
        "from ctypes import CDLL",
        "import _sha2",
        "from _sha2 import sha256",
        "from aiohttp._websocket import reader",
        "from aiohttp.connector import _DNSCacheTable",
        "sys.modules['kubernetes_asyncio'] = stub",
    ],
)
def test_such_uses_are_noticed(use: str) -> None:
    assert list(foreign(ast.parse(use), set(), set())) != []


@pytest.mark.parametrize(
    "use",
    ["self._own", "cls._own()", "other._own", "known._replace(a=1)", "os._exit(1)", "x.__dict__"],
)
def test_what_is_our_own_or_documented_is_not(use: str) -> None:
    assert list(foreign(ast.parse(use), {"_own"}, {"_own"})) == []


def classes() -> Iterator[type]:
    """All classes of the product."""
    for found in pkgutil.walk_packages(natsctl.__path__, "natsctl."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            yield from (c for c in vars(module).values() if inspect.isclass(c))


def test_no_class_replaces_a_private_part_of_a_library() -> None:
    replaced = {
        f"{made.__qualname__}.{name}"
        for made in classes()
        if _is_ours(made.__module__)
        for base in made.__mro__
        if not _is_ours(base.__module__)
        for name in vars(made).keys() & vars(base).keys() - GIVEN
        if is_private(name)
    }
    assert replaced == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_each_has_a_canary_that_names_what_it_was_read_from(module: ModuleType) -> None:
    name = module.__name__.rpartition(".")[2]
    assert re.fullmatch(r"\w+ \d+\.\d+.*", module.READ_FROM)
    assert f"changed({name}, " in (Path(__file__).parent / f"test_{name}.py").read_text()
