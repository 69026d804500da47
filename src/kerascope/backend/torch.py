"""PyTorch: autograd, eager."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import keras
import torch


def vjp(fn: Callable[[Any], Any], shifts: Any) -> tuple[Any, Callable[[int], Any]]:
    """Run `fn(shifts) -> (scores, rest)`; return it and `pullback(k)`: gradient of Σ scores[k]."""
    names = list(shifts)
    leaves = {name: shifts[name].detach().requires_grad_(True) for name in names}
    with torch.enable_grad():
        scores, rest = fn(leaves)
    left = len(scores)

    def pullback(k: int) -> Any:
        nonlocal left
        left -= 1
        if not scores[k].requires_grad:
            return {name: torch.zeros_like(leaves[name]) for name in names}
        grads = torch.autograd.grad(
            scores[k].sum(), list(leaves.values()), retain_graph=left > 0, allow_unused=True
        )
        return {
            name: torch.zeros_like(leaves[name]) if grad is None else grad
            for name, grad in zip(names, grads, strict=True)
        }

    return (scores, rest), pullback


def compiled(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """Return `fn` with frozen weights; PyTorch runs eagerly."""
    ref: Callable[[], Any] = weakref.ref(model)  # the cache of compiled functions outlives no model

    def stateless(*args: Any) -> Any:
        # Detached weights: no weight gradients, and no `requires_grad` flag of the user's touched.
        frozen = [(variable, variable.value.detach()) for variable in ref().variables]
        with keras.StatelessScope(state_mapping=frozen):
            return fn(*args)

    return stateless


described = compiled
eager = compiled


def unreached(fn: Callable[[Any], Any], shifts: Any) -> list[str]:
    """Return the names of the shifts that `fn(shifts) -> tensors` does not depend on.

    Graphs of the other backends leave out by themselves what nobody needs.
    """
    leaves = {name: shift.detach().requires_grad_(True) for name, shift in shifts.items()}
    with torch.enable_grad():
        total = sum(tensor.sum() for tensor in fn(leaves))
    if not total.requires_grad:
        return list(leaves)
    grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return [name for name, grad in zip(leaves, grads, strict=True) if grad is None]


def host(variable: Any) -> Any:
    """Return a variable's values as a NumPy array; not to be written to."""
    values = variable.value.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def inference() -> contextlib.AbstractContextManager[None]:
    """Return a context without gradient bookkeeping."""
    return torch.inference_mode()


def out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` says that memory ran out."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "not enough memory" in str(
        error
    )


def version() -> str:
    """Return the framework's version."""
    return torch.__version__


def devices() -> list[str]:
    """Return the devices in words."""
    return ["CPU:0", *(f"GPU:{i}" for i in range(torch.cuda.device_count()))]
