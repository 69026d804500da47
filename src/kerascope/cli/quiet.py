"""Import Keras without the chatter of its backend."""

from __future__ import annotations

import logging
import os
import sys
import tempfile


def import_keras(*models: str) -> str:
    """Choose the backend, import Keras, and return the backend's name.

    TensorFlow's C++ code writes to the terminal before it reads any setting, so the whole stream is
    held back while it is imported; when the import fails, it is shown. What is asked of `models` is
    looked at before: a name typed wrong is answered at once.
    """
    from kerascope.backend import choose

    if models:
        from kerascope.loading.models import look

        for model in models:
            look(model)
    name = choose()
    # TensorFlow counts a first trace per shape as retracing and warns of it; here each is meant.
    logging.getLogger(name).setLevel(logging.ERROR)
    if "keras" in sys.modules:
        return name
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        done = False
        try:
            import keras  # noqa: F401

            done = True
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            if not done:
                held.seek(0)
                os.write(2, held.read())
    return name
