"""A model in bytes: a .keras archive and the user's own classes; functions as they are."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerascope.errors import BadModel
from kerascope.facts import ModelFacts, facts_of, remember

_OWN = ("keras", "keras_hub")  # packages whose classes Keras finds by itself


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Packed:
    """A model that cloudpickle can carry to another process, and what is known of it.

    archive: the content of a .keras file; None where the model is a function. policy: name of the
    dtype policy, which the file has of layers but not of models. custom: classes and functions
    that the file names.
    """

    function: Any = None
    archive: bytes | None = None
    policy: str = ""
    custom: dict[str, Any]
    facts: ModelFacts

    def open(self) -> Any:
        """Return the model."""
        model = self.function if self.archive is None else self._loaded()
        if self.facts != ModelFacts():
            known = {field.name: getattr(self.facts, field.name) for field in _FIELDS}
            remember(model, **known)
        return model

    def _loaded(self) -> Any:
        import keras

        from kerascope.loading.archive import load_archive

        assert self.archive is not None
        before = keras.config.dtype_policy()
        with tempfile.TemporaryDirectory(prefix="kerascope-") as folder:
            path = Path(folder, "model.keras")
            path.write_bytes(self.archive)
            keras.config.set_dtype_policy(self.policy)
            try:  # unsafe: its code runs already where it was saved
                return load_archive(path, "sent to a worker", self.custom, unsafe=True)[0]
            finally:
                keras.config.set_dtype_policy(before)


_FIELDS = dataclasses.fields(ModelFacts)


def packed(model: Any) -> Packed:
    """Return a model in bytes; raise `BadModel` where Keras cannot save it."""
    keras = sys.modules.get("keras")
    facts = facts_of(model)
    if keras is None or not isinstance(model, keras.layers.Layer):
        return Packed(function=model, custom={}, facts=facts)
    with tempfile.TemporaryDirectory(prefix="kerascope-") as folder:
        path = Path(folder, "model.keras")
        try:
            keras.saving.save_model(model, path)
        except Exception as error:  # a class of the user's own may raise anything
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadModel(
                f"'{model.name}' cannot be sent to other processes, for Keras cannot save it "
                f"({first}); take the local engine"
            ) from error
        policy, custom = model.dtype_policy.name, _custom(model)
        return Packed(archive=path.read_bytes(), policy=policy, custom=custom, facts=facts)


def _custom(model: Any) -> dict[str, Any]:
    """Return the user's own classes and functions in a model, by the names a file has for them."""
    from kerascope.loading.custom import custom_objects

    found = dict.fromkeys(thing for layer in _layers(model) for thing in _things(layer))
    return custom_objects([thing for thing in found if thing.__module__.split(".")[0] not in _OWN])


def _layers(model: Any) -> Iterator[Any]:
    from kerascope.hooks.names import children

    yield model
    for child in children(model):
        yield from _layers(child)


def _things(layer: Any) -> Iterator[Any]:
    """Yield a layer's class, and the functions and the classes of the objects that it is made with.

    Such are activations, initializers and regularizers.
    """
    yield type(layer)
    for name, value in vars(layer).items():
        if isinstance(value, types.FunctionType):
            if not hasattr(type(layer), name):  # or it is a method that Keras has wrapped
                yield value
        elif hasattr(value, "get_config"):
            yield type(value)
