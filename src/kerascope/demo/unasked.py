"""What the audit says of the demo's nets, without being told where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerascope.demo.scenes import CLASS_NAMES, make_scenes

if TYPE_CHECKING:
    from kerascope.audit.result import Audit

SCENES = 120
_BIAS, _SEED = 0.8, 31_000  # most trucks in the sun, as in the pictures that fooled the first net


def audited(net: Any) -> Audit:
    """Return the audit of a net on scenes in which weather and class mostly go together."""
    from kerascope.audit.front import audit

    scenes = make_scenes(SCENES, seed=_SEED, bias=_BIAS)
    labels = scenes.labels.tolist()
    return audit(net, scenes.images, labels=labels, classes=list(CLASS_NAMES))


def hangs_on(found: Audit) -> str:
    """Say in a sentence what the strongest finding is."""
    return found.findings[0].sentence if found.findings else found.summary
