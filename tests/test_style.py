import ast
import graphlib
import importlib
import inspect
import pkgutil
from pathlib import Path

import equinox as eqx

import jaxmt

PACKAGE = Path(jaxmt.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(("jaxmt", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in FILES
}


def all_subclasses(cls):
    for subclass in cls.__subclasses__():
        yield subclass
        yield from all_subclasses(subclass)


def is_abstract(cls):
    return inspect.isabstract(cls) or bool(cls.__abstractvars__) or bool(cls.__abstractclassvars__)


def test_every_module_class_is_abstract_or_final():
    for info in pkgutil.walk_packages(jaxmt.__path__, "jaxmt."):
        importlib.import_module(info.name)
    classes = {cls for cls in all_subclasses(eqx.Module) if cls.__module__.startswith("jaxmt")}
    assert classes
    for cls in classes:
        subclasses = [s for s in cls.__subclasses__() if s.__module__.startswith("jaxmt")]
        assert is_abstract(cls) or not subclasses, f"{cls} is concrete and has subclasses {subclasses}"
        named = cls.__name__.lstrip("_").startswith("Abstract")
        assert is_abstract(cls) == named, f"{cls}: the name says Abstract if and only if the class is"


def test_no_file_is_longer_than_300_lines():
    long = {name: n for name, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def imports(name):
    """Modules of the package that a module imports, the packages around itself left out."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                around = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*around, *filter(None, [base])])
            for alias in node.names:
                target = f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base
                if target in MODULES and not name.startswith(f"{target}."):
                    yield target


def test_imports_have_an_order():
    graph = {name: set(imports(name)) - {name} for name in MODULES}
    # The reading of the import statements works: the composition stands on the operators.
    assert {"jaxmt.simulation.operator", "jaxmt.simulation.solve", "jaxmt.simulation.solvers"} <= graph[
        "jaxmt.simulation.forward"
    ]
    assert {"jaxmt.simulation.layered", "jaxmt.simulation.mesh"} <= graph["jaxmt.simulation.operator"]
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert (
        order.index("jaxmt.conventions")
        < order.index("jaxmt.simulation.mesh")
        < order.index("jaxmt.simulation.forward")
    )


def test_the_library_neither_prints_nor_sets_flags():
    for name, path in MODULES.items():
        if name.startswith("jaxmt.field"):
            continue  # The command speaks to its user.
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called != "print", f"{name}, line {node.lineno}"
                # The one function whose purpose it is, and which nothing of the library calls; and what
                # runs in processes of its own, with the flags of the one that sent it there.
                if name not in ("jaxmt.program_cache", "jaxmt.batch.tasks"):
                    assert not called.endswith("config.update"), f"{name}, line {node.lineno}"
