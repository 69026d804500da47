"""The API reference: every public name, by what it is for, from its docstring."""

from __future__ import annotations

import importlib

import kerascope as ks

# A page's names, in the order in which they are read.
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "explaining": ("Explaining", (
        "explain", "Attribution", "AttributionMethod", "HookedModel", "Data", "methods", "report",
        "reporting", "replay", "Replay", "certify", "Certificate",
    )),
    "loading": ("Loading", (
        "load_model", "load_images", "load_inputs", "load_several", "load_series", "load_table",
        "load_texts", "load_volumes", "Table",
    )),
    "targets": ("Targets", (
        "Target", "Class", "Top", "Rank", "Contrast", "Predicted", "Output", "Regression",
        "ExpectedRank", "Horizon", "NextToken", "Similarity", "ReconstructionError", "Neuron",
        "Direction", "WholeLayer", "Weighted", "Mask", "Area", "Point", "Box", "Detection",
        "Diversity", "Custom",
    )),
    "trusting": ("Trusting", (
        "grade", "Grade", "evaluate", "Evaluation", "metrics", "benchmark", "diff", "Diff",
    )),
    "auditing": ("Auditing", ("audit", "Audit", "Finding")),
    "looking-inside": ("Looking inside", (
        "architecture", "Architecture", "filters", "Filters", "activations", "Activations",
        "top_images", "attention", "Attention", "maximize", "Visualization", "Pixel", "Fourier",
        "MaCo", "Transforms", "Norm", "TotalVariation",
    )),
    "concepts": ("Concepts", ("tcav", "TCAV", "craft", "Craft", "probe", "Probes")),
    "tables": ("Tables", (
        "ale", "Effects", "partial_dependence", "Dependence", "interactions", "Interactions",
        "permutation_importance", "Importance", "surrogate", "Surrogate",
    )),
    "errors": ("Errors", (
        "KerascopeError", "BadFile", "BadImage", "BadInput", "BadLayer", "BadMethod", "BadModel",
        "BadTarget", "MissingDependency", "Refused",
    )),
}  # fmt: skip
# Public modules beside the package itself.
MODULES = {
    "callbacks": ("Callbacks", "kerascope.callbacks", ("ExplainDuringTraining",)),
    "testing": ("Testing", "kerascope.testing", ()),
    "metrics": ("Metrics", "kerascope.metrics", ()),
    "engines": ("Engines", "kerascope.engines", ()),
    "plot": ("Pictures", "kerascope.plot", ()),
    "report": ("Sections of a report", "kerascope.report", ()),
}
# What extensions derive from and are given, beside what is above.
BASES = (
    "kerascope.method.RawMap", "kerascope.method.Passes", "kerascope.method.Need",
    "kerascope.method.Axiom", "kerascope.run.Run", "kerascope.methods.cam_family.ActivationMap",
    "kerascope.methods.input_family.InputMap", "kerascope.methods.segment_family.SegmentMap",
    "kerascope.hooks.read.ReadModel", "kerascope.game.Game", "kerascope.metrics.subject.Subject",
    "kerascope.lrp.rules.Rule", "kerascope.lrp.rules.Linear",
)  # fmt: skip


def pages() -> dict[str, str]:
    """Return the text of every page by its name."""
    placed = [name for _, members in PAGES.values() for name in members]
    if left := {*ks.__all__} - {*placed, *MODULES}:
        raise SystemExit(f"no page of docs_site/api_pages.py has {', '.join(sorted(left))}")
    made = {"api/index.md": _index()}
    for file, (title, members) in PAGES.items():
        made[f"api/{file}.md"] = _page(title, {f"ks.{n}": _home("kerascope", n) for n in members})
    for file, (title, module, members) in MODULES.items():
        every = members or tuple(public(module))
        names = {f"{module}.{n}": _home(module, n) for n in every}
        made[f"api/{file}.md"] = _page(title, names)
    made["api/bases.md"] = _page("Bases to build on", {name: name for name in BASES})
    return made


def public(module: str) -> list[str]:
    """Return the public names of a module: `__all__`, or what it defines itself."""
    room = importlib.import_module(module)
    named = getattr(room, "__all__", None) or [
        name
        for name, value in vars(room).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module
    ]
    return [name for name in named if callable(getattr(room, name))]


def _home(module: str, name: str) -> str:
    """Return the dotted place where a name is defined."""
    value = getattr(importlib.import_module(module), name)
    return f"{value.__module__}.{value.__qualname__}"


_INDEX = """# API reference

Every public name, from its docstring. `import kerascope as ks` loads none of them: a name is
loaded, and with it Keras, when it is first used.

"""


def _index() -> str:
    rows = [f"- [{title}]({file}.md)" for file, (title, *_) in {**PAGES, **MODULES}.items()]
    rows.append("- [Bases to build on](bases.md)")
    return _INDEX + "\n".join(rows) + "\n"


def _page(title: str, names: dict[str, str]) -> str:
    parts = [f"# {title}"]
    for shown, home in names.items():
        parts.append(
            f'::: {home}\n    options:\n      heading: "{shown}"\n      toc_label: "{shown}"'
        )
    return "\n\n".join(parts) + "\n"
