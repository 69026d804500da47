"""Build a model from its configuration, without unknown keywords, and say what failed."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from kerascope.errors import BadModel, KerascopeError, MissingDependency
from kerascope.loading.config import Config, drop_keyword, dropped_words, module_of

Custom = dict[str, Any]

_MOST_DROPPED = 32  # keywords in one file; a legacy file needs one or two

_KEYWORDS = re.compile(r"Unrecognized keyword arguments passed to (\w+): \{(.*?)\}", re.DOTALL)
_KEYWORD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_HUB = re.compile(r"parent module (keras_(?:hub|cv|nlp))[\w.]* cannot be imported")
_CUSTOM = (
    re.compile(r"Could not locate (?:class|function) '([^']+)'"),
    re.compile(r"Unknown [\w ]+: '([^']+)'. Please ensure"),
    re.compile(r"Unknown activation function '([^']+)'"),
    re.compile(r"Could not interpret [\w ]+ identifier: (?:\{.*?'class_name': ')?([\w>.]+)"),
)


def rebuild(
    config: Config, construct: Callable[[Config], Any], name: str
) -> tuple[Any, tuple[str, ...]]:
    """Return `construct(config)` and notes on the keywords that had to be dropped from `config`.

    Raises `BadModel` in one line for whatever else goes wrong.
    """
    dropped: dict[tuple[str, str], list[Any]] = {}
    while True:
        model, error = _attempt(partial(construct, copy.deepcopy(config)))
        if error is None:
            return model, tuple(dropped_words(*key, values) for key, values in dropped.items())
        found = 0
        for class_name, keyword in refused_keywords(str(error)):
            values = drop_keyword(config, class_name, keyword)
            if values:
                dropped.setdefault((class_name, keyword), []).extend(values)
                found += 1
        if not found or len(dropped) > _MOST_DROPPED:
            raise explained(error, config, name) from error


def loaded(action: Callable[[], Any], config: Config, name: str) -> Any:
    """Return what `action` returns; any error becomes a `BadModel` in one line."""
    result, error = _attempt(action)
    if error is not None:
        raise explained(error, config, name) from error
    return result


def _attempt(action: Callable[[], Any]) -> tuple[Any, Exception | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about optimizers and legacy formats: nothing to act on
        try:
            return action(), None
        # Keras, and the code of custom layers, raise anything on a file that does not fit
        except Exception as error:
            return None, error


def refused_keywords(message: str) -> list[tuple[str, str]]:
    """Return (class, keyword) for every keyword that a class of Keras refused, from its error."""
    import keras

    pairs = [(match[1], match[2]) for match in _KEYWORD.finditer(message)]
    for match in _KEYWORDS.finditer(message):
        pairs += [(match[1], key) for key in re.findall(r"'(\w+)':", match[2])]
    rooms = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)
    return [pair for pair in pairs if any(hasattr(room, pair[0]) for room in rooms)]


def explained(error: Exception, config: Config, name: str) -> KerascopeError:
    """Return the one-line error for an error of Keras."""
    if isinstance(error, KerascopeError):
        return error
    message = str(error)
    if match := _HUB.search(message):
        package = match[1].replace("_", "-")
        return MissingDependency(
            f"model '{name}' needs the package {package}; install it: pip install {package}"
        )
    for pattern in _CUSTOM:
        match = pattern.search(message)
        if match:
            return _missing(match[1], config, name)
    return BadModel(f"model '{name}' cannot be loaded: {one_line(error)}")


def _missing(custom: str, config: Config, name: str) -> BadModel:
    plain = custom.rsplit(">", 1)[-1]
    module = module_of(config, custom) or "module"
    return BadModel(
        f"model '{name}' needs the custom object '{plain}'; give it with --custom {module}:{plain} "
        f'(custom=("{module}:{plain}",))'
    )


def one_line(error: BaseException, limit: int = 240) -> str:
    """Return what an error says, innermost cause first, on one line without configurations."""
    message = str(error).rsplit("Exception encountered:", 1)[-1]
    message = re.split(r"\n\n|\bFull object config:|\bconfig=\{", message.strip(), maxsplit=1)[0]
    message = " ".join(message.split()) or type(error).__name__
    return message if len(message) <= limit else message[: limit - 1] + "…"
