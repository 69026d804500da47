"""`pytestmark = once`: nothing in a file asks Keras, so `make test` runs it on one backend only."""

from __future__ import annotations

import os

import pytest

REASON = "no Keras in it: once, with TensorFlow, will do"
AGAIN = "KERASCOPE_KEEP" in os.environ and os.environ.get("KERAS_BACKEND") != "tensorflow"
once = pytest.mark.skipif(AGAIN, reason=REASON)
