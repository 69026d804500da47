"""A model's JSON configuration, read and mended before Keras sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from kerascope.errors import BadModel

Config = dict[str, Any]

# Files written by Keras 2 can hold raw TensorFlow calls as layers; Keras 3 has no such classes.
_KERAS_2_OPERATIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")

# Modules of Keras that fetch, write or configure: no configuration of a model has a use for them.
_NOT_MODELLING = ("utils", "config", "saving", "datasets", "export", "preprocessing", "callbacks")

# Values of a dropped keyword that cannot have changed what the layer computes.
_NEUTRAL: tuple[Any, ...] = (None, False, 1, 0, "", [], {})


class Part(NamedTuple):
    """A part of a configuration and the name of the layer that holds it."""

    config: Config
    layer: str


def parts(config: Any, layer: str = "") -> Iterator[Part]:
    """Yield every dict in `config`, outermost first."""
    stack = [(config, layer)]
    while stack:
        node, owner = stack.pop()
        if isinstance(node, dict):
            inner = node.get("config")
            if (
                "class_name" in node
                and isinstance(inner, dict)
                and isinstance(inner.get("name"), str)
            ):
                owner = inner["name"]
            yield Part(node, owner)
            stack.extend((value, owner) for value in reversed(list(node.values())))
        elif isinstance(node, list | tuple):
            stack.extend((value, owner) for value in reversed(node))


def _class_name(node: Config) -> str:
    """Return the class without its package: "Custom>MyLayer" is "MyLayer"."""
    return str(node.get("class_name", "")).rsplit(">", 1)[-1]


def refuse_code(config: Any, name: str) -> None:
    """Raise `BadModel` when the configuration holds or names code that is no part of a model."""
    for node, layer in parts(config):
        kind, inner = _class_name(node), node.get("config")
        if kind == "__lambda__" or (kind == "Lambda" and _holds_code(inner)):
            raise BadModel(
                f"model '{name}' holds code in Lambda layer '{layer}'; "
                "pass --unsafe (unsafe=True) only if you trust it"
            )
        if kind == "TFSMLayer":
            raise BadModel(
                f"model '{name}' runs a TensorFlow SavedModel from elsewhere in layer '{layer}' "
                "(TFSMLayer); pass --unsafe (unsafe=True) only if you trust it"
            )
        if (module := _foreign_module(node)) is not None:
            what = inner if kind == "function" else kind
            raise BadModel(
                f"model '{name}' names '{what}' of the Python module '{module}', which is no part "
                "of a model: not loaded; pass --unsafe (unsafe=True) only if you trust it"
            )


def _holds_code(inner: Any) -> bool:
    """Say whether a Lambda layer's configuration carries bytecode rather than a function's name."""
    if not isinstance(inner, dict):
        return False
    if "lambda" in (inner.get("function_type"), inner.get("output_shape_type")):
        return True
    # Keras 2 wrote [bytecode, defaults, closure]; a list is never a name
    return isinstance(inner.get("function"), list)


def _foreign_module(node: Config) -> str | None:
    """Return the module that a part names when no layer can come from it."""
    module = node.get("module")
    if "class_name" not in node or not isinstance(module, str) or module == "builtins":
        return None
    top, _, rest = module.partition(".")
    if top == "keras" and rest.partition(".")[0] in _NOT_MODELLING:
        return module
    return module if top in sys.stdlib_module_names else None


def refuse_keras_2_operations(config: Any, name: str) -> None:
    """Raise `BadModel` when the configuration holds layers that only Keras 2 can run."""
    for node, layer in parts(config):
        if _class_name(node) in _KERAS_2_OPERATIONS:
            raise BadModel(
                f"model '{name}' holds the TensorFlow operation '{layer}' ({node['class_name']}), "
                "which only Keras 2 can run; rebuild the model with keras.ops or keras.layers and "
                "save it again"
            )


def modernised(node: Any) -> Any:
    """Return a legacy configuration in the shape that Keras 3 reads: tuples, named Sequential."""
    if isinstance(node, list):
        return [modernised(item) for item in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("class_name")
    if kind in ("__tuple__", "TensorShape") and isinstance(node.get("items"), list):
        return tuple(modernised(item) for item in node["items"])
    if kind == "__ellipsis__":
        return Ellipsis
    result = {key: modernised(value) for key, value in node.items()}
    if kind == "Sequential" and isinstance(result.get("config"), list):  # before Keras 2.2.3
        result["config"] = {"name": "sequential", "layers": result["config"]}
    return result


def uncompile_nested(config: Config) -> None:
    """Remove, in place, how models inside the model were compiled.

    Losses, metrics and optimizers are not needed to explain and are often custom objects; Keras can
    leave out those of the outermost model only.
    """
    for node, _ in list(parts(config))[1:]:
        if "class_name" in node and node.get("compile_config"):
            node["compile_config"] = None


def drop_keyword(config: Any, class_name: str, keyword: str) -> list[Any]:
    """Remove, in place, a keyword from every layer of a class; return the removed values."""
    return [
        node["config"].pop(keyword)
        for node, _ in list(parts(config))
        if _class_name(node) == class_name
        and isinstance(node.get("config"), dict)
        and keyword in node["config"]
    ]


def dropped_words(class_name: str, keyword: str, values: list[Any]) -> str:
    """Say what was dropped, and whether it may matter."""
    seen: list[Any] = []
    for value in values:
        if value not in seen:
            seen.append(value)
    what = " and ".join(f"{keyword}={value!r}" for value in seen)
    layers = "1 layer" if len(values) == 1 else f"{len(values)} layers"
    words = (
        f"dropped {what} from {layers} of class {class_name}: this Keras does not know the keyword"
    )
    if all(value in _NEUTRAL for value in seen):
        return words
    return f"{words}, and it may have changed what the layer computes: check the predictions"


def module_of(config: Any, custom: str) -> str | None:
    """Return the module that a configuration names for a custom object, where it names one."""
    for node, _ in parts(config):
        inner = node.get("config")
        names = (node.get("class_name"), node.get("registered_name"), inner)
        if custom in names and isinstance(node.get("module"), str) and node["module"] != "builtins":
            return node["module"]
    return None
