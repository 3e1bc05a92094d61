"""The repository is consistent: Makefile, layers and files agree with each other."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 500
TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)
# Written in pieces, so that this file does not have what it looks for.
MACHINE = re.compile("|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]")))
REGISTRY = re.compile(
    "|".join(("py" + r"pi\.org", "python" + "hosted", "proxy.go" + "lang", "np" + "mjs"))
)
REGISTRY_FLAG = re.compile("--(extra-)?index-" + "url|--find-" + "links")


def tracked() -> list[Path]:
    """Files under version control that are text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: which files belong to the project is unknown")
    return [file for name in listed.stdout.split("\0") if name and (file := ROOT / name).is_file()]


def text(name: str | Path) -> str:
    return (ROOT / name).read_text(errors="replace")


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Where a pattern occurs, as `file: match`."""
    return [f"{f.relative_to(ROOT)}: {m[0]}" for f in files for m in pattern.finditer(text(f))]


def test_every_public_target_is_described() -> None:
    described = re.findall(r"^([a-z][a-z0-9-]*):.*## \S", text("Makefile"), re.MULTILINE)
    assert described == TARGET.findall(text("Makefile"))


def test_every_layer_is_in_the_module_map() -> None:
    layers = {f.parent.name for f in ROOT.glob("natsctl/*/__init__.py")}
    mapped = re.findall(r"^\| `natsctl/(\w+)` \|", text("docs/architecture.md"), re.MULTILINE)
    assert set(mapped) == layers


def test_every_folder_of_a_layer_is_in_its_row() -> None:
    row = re.compile(r"^\| `natsctl/(\w+)` \| (.*) \|$", re.MULTILINE)
    packages = {file.parent for file in ROOT.glob("natsctl/*/**/*.py")} - {ROOT / "natsctl"}
    untold = {
        str(folder.relative_to(ROOT))
        for layer, told in row.findall(text("docs/architecture.md"))
        for folder in packages
        if ROOT / "natsctl" / layer in folder.parents and f"`{folder.name}/`" not in told
    }
    assert untold == set()


def test_modules_are_short() -> None:
    modules = [file for file in tracked() if file.suffix == ".py"]
    long = [f.name for f in modules if len(text(f).splitlines()) > LONGEST_MODULE]
    assert (bool(modules), long) == (True, [])


def test_no_path_of_one_machine() -> None:
    assert found(MACHINE, tracked()) == []


def test_no_package_index() -> None:
    assert found(REGISTRY, tracked()) == []


def test_requirements_name_no_index_and_have_hashes() -> None:
    compiled = sorted(ROOT.glob("requirements/*.txt"))
    pinned = [re.findall(r"^\S+==", text(file), re.MULTILINE) for file in compiled]
    hashed = [re.findall(r"^\S+==[^\n]*\\\n    --hash=", text(f), re.MULTILINE) for f in compiled]
    assert found(REGISTRY_FLAG, compiled) == []
    assert [len(p) for p in pinned] == [len(h) for h in hashed]
    assert all(pinned)
