"""What the linters of the language do not know: our own rules of order, as functions from a file to complaints.

Banned words are put together from pieces or written as patterns that do not match themselves, so that this module passes its own test.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lint.reading import ROOT, Complaint

LINE_MAX = 140
MODULE_MAX = 400
INIT_MAX = 60

FOLDERS = ("features", "schemas", "steps", "reference_impl", "tests", ".ci")
SUFFIXES = frozenset({".py", ".feature", ".yaml", ".yml", ".toml", ".md", ".json", ".proto", ".sh", ".txt", ".html", ".jinja", ""})
PACKAGES = ("steps/", "reference_impl/", "schemas/")
GENERATED = re.compile(r"_pb2\.pyi?$")

LEFTOVERS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
MACHINE = re.compile(r"/[w]ork/|/[r]oot/|/[f]arm/|/[t]mp/[a-z]|/[h]ome/[a-z]")
REGISTRIES = re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|proxy\.golan[g]|registry\.npmj[s]|repo\.mave[n]|deb\.debia[n]|crates\.i[o]")
SLEEPERS = {
    "schemas/seatrial_schemas/context.py",
    "tests/unit/backends/sample_programs.py",  # one of them blocks the loop on purpose
    "tests/unit/backends/test_processes_endings.py",  # processes of others are gone when they are gone, and nobody tells
}
REASON = re.compile(r"# (?:noqa: BLE001 -|broad:) \w")

# Component code gets time, chance and ids from its context; in simulation one seed then decides everything.
GUIDED = ("reference_impl/", "steps/seatrial/doubles/", "tests/violations/")
CONTEXT_ONLY = frozenset({"time", "random", "uuid", "secrets"})
PURE: Mapping[str, int] = {"time.gmtime": 1, "time.strftime": 2, "time.strptime": 2, "uuid.UUID": 1, "random.Random": 1}
"""What is a function of its arguments, once it is given that many."""
CALLS_OF_CHANCE = frozenset({"os.urandom", "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "id"})


@dataclass(frozen=True)
class SourceFile:
    """`path` is relative to the root of the project."""

    path: str
    text: str

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_shipped(self) -> bool:
        return self.path.startswith(PACKAGES)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """(name as imported, call): `from time import sleep` and then `sleep(1)` is ("time.sleep", ...)."""
        names = imported(self.tree)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and (name := dotted(node.func)):
                head, _, rest = name.partition(".")
                yield ".".join(filter(None, (names.get(head, head), rest))), node

    def complaint(self, line: int, says: str) -> Complaint:
        return Complaint(path=self.path, line=line, says=says)


def dotted(node: ast.expr) -> str:
    """`a.b.c` for such an expression, nothing for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def imported(tree: ast.Module) -> dict[str, str]:
    """Name in this module -> what it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
    return names


def read_sources(root: Path = ROOT) -> list[SourceFile]:
    """Every text of ours that is committed, or will be."""
    found = [file for folder in FOLDERS for file in (root / folder).rglob("*") if "__pycache__" not in file.parts]
    found += [file for file in root.iterdir() if file.name not in ("LICENSE", ".git")]  # the latter is a file in a second work tree
    return [
        SourceFile(str(file.relative_to(root)), file.read_text("utf-8"))
        for file in sorted(found)
        if file.is_file() and file.suffix in SUFFIXES and not GENERATED.search(file.name)
    ]


Complaints = Iterator[Complaint]


def lines_are_short(file: SourceFile) -> Complaints:
    if file.path.endswith((".py", ".feature", ".yaml", ".sh", "Makefile")):
        for number, line in enumerate(file.lines, start=1):
            if len(line) > LINE_MAX:
                yield file.complaint(number, f"{len(line)} characters, more than {LINE_MAX}")


def nothing_is_left_over(file: SourceFile) -> Complaints:
    for number, line in enumerate(file.lines, start=1):
        if word := LEFTOVERS.search(line):
            yield file.complaint(number, f"{word[0]}: do it, or file it")


def no_machine_is_named(file: SourceFile) -> Complaints:
    for number, line in enumerate(file.lines, start=1):
        if found := MACHINE.search(line) or REGISTRIES.search(line):
            yield file.complaint(number, f"{found[0]} is a path or a registry of some machine")


def packages_do_not_print(file: SourceFile) -> Complaints:
    if file.is_python and file.is_shipped:
        for name, call in file.calls():
            if name == "print":
                yield file.complaint(call.lineno, "print: the command line echoes, everything else records")


def nobody_sleeps_to_wait(file: SourceFile) -> Complaints:
    """Waiting is `eventually`, which reacts. Only who implements time may sleep, and strangers, whose ways are not ours."""
    may_sleep = file.path.startswith(("steps/seatrial/backends/", "tests/strangers/")) or file.path in SLEEPERS
    if file.is_python and not may_sleep:
        for name, call in file.calls():
            if name == "time.sleep" or (name == "asyncio.sleep" and file.is_shipped):
                yield file.complaint(call.lineno, f"{name}: wait for what you wait for, or ask the context")


def excepts_are_narrow(file: SourceFile) -> Complaints:
    """A broad one is allowed where it raises again, or says on its line why it must be broad."""
    for node in ast.walk(file.tree) if file.is_python else ():
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not REASON.search(file.lines[node.lineno - 1]):
            yield file.complaint(node.lineno, "a broad except: name what may go wrong, or say why not (noqa: BLE001 - ... or broad: ...)")


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {dotted(kind) if kind else "BaseException" for kind in caught}
    again = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return bool(names & {"Exception", "BaseException"}) and not again


def components_take_everything_from_their_context(file: SourceFile) -> Complaints:
    if file.is_python and file.path.startswith(GUIDED):
        for name, call in file.calls():
            arguments = len(call.args) + len(call.keywords)
            by_module = name.split(".")[0] in CONTEXT_ONLY and arguments < PURE.get(name, 1_000)
            if by_module or name in CALLS_OF_CHANCE or name.endswith((".datetime.now", ".datetime.utcnow")):
                yield file.complaint(call.lineno, f"{name}: time, chance and ids come from the context")


def modules_are_small(file: SourceFile) -> Complaints:
    if file.is_python and len(file.lines) > MODULE_MAX:
        yield file.complaint(1, f"{len(file.lines)} lines, more than {MODULE_MAX}: find the noun that wants out")


def modules_open_with_their_theory(file: SourceFile) -> Complaints:
    if file.is_python and file.text and not ast.get_docstring(file.tree):
        yield file.complaint(1, "a module opens with its theory")


def inits_are_light(file: SourceFile) -> Complaints:
    """Whoever imports a package should not wait for all of it."""
    if file.path.endswith("/__init__.py"):
        if len(file.lines) > INIT_MAX:
            yield file.complaint(1, f"{len(file.lines)} lines in an __init__, more than {INIT_MAX}")
        for node in file.tree.body:
            if isinstance(node, ast.ClassDef):
                yield file.complaint(node.lineno, f"class {node.name} lives in an __init__; give it a module")


def roots_are_not_imported(file: SourceFile) -> Complaints:
    """`steps` and its like are folders; that they can be imported from some working directories is an accident."""
    imports = [node for node in ast.walk(file.tree) if isinstance(node, ast.Import | ast.ImportFrom)] if file.is_python else []
    for node in imports:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] * (not node.level)
        for module in modules:
            if module.split(".")[0] in {"steps", "reference_impl", "schemas", "tests"}:
                yield file.complaint(node.lineno, f"{module} is a folder, no package")


ONE_FILE: tuple[Callable[[SourceFile], Complaints], ...] = (
    lines_are_short,
    nothing_is_left_over,
    no_machine_is_named,
    packages_do_not_print,
    nobody_sleeps_to_wait,
    excepts_are_narrow,
    components_take_everything_from_their_context,
    modules_are_small,
    modules_open_with_their_theory,
    inits_are_light,
    roots_are_not_imported,
)


def modules_are_used(files: Sequence[SourceFile]) -> Complaints:
    """A module that no shipped module imports, and that no descriptor or project file names, is dead. Bindings are found by walking."""
    shipped = [file for file in files if file.is_python and file.is_shipped]
    used = {name for file in shipped for name in mentioned(file)}
    texts = "\n".join(file.text for file in files if file.path.endswith((".yaml", ".toml", ".json")))
    for file in shipped:
        name = module_name(file.path)
        found_otherwise = file.path.endswith(("/__init__.py", "/__main__.py")) or ".bindings." in name
        if not found_otherwise and name not in used and not re.search(rf"\b{re.escape(name)}\b", texts):
            yield file.complaint(1, f"{name} is imported by nobody")


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").split("/", maxsplit=1)[1].replace("/", ".")


def mentioned(file: SourceFile) -> Iterable[str]:
    """Modules that a module imports or spells out in a string, as in `-p seatrial.plugin`; neighbours are called by their last name."""
    package = module_name(file.path).split(".")
    package = package if file.path.endswith("/__init__.py") else package[:-1]
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = ".".join([*(package[: len(package) - node.level + 1] if node.level else []), *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.partition(":")[0]
            yield ".".join([*package, node.value])
