"""Keras as this project uses it, whatever the user's ``keras.json`` and environment say."""

import os
import sys
from tempfile import TemporaryDirectory

from vocalseg.errors import BadInput

#: What a network here depends on: TensorFlow's backend, and settings that layers take silently.
BACKEND, FLOATX, EPSILON, DATA_FORMAT = "tensorflow", "float32", 1e-7, "channels_last"


def import_keras() -> None:
    """Import Keras with this project's settings; call it before anything else imports Keras.

    ``~/.keras/keras.json`` is not read, so it may hold anything, and ``KERAS_BACKEND`` does not
    matter; both stay as they are for other programs and for child processes. A Keras that the
    caller of the library has imported already keeps its backend, and its other settings are set.

    Raises
    ------
    BadInput
        If Keras was imported before with another backend.
    """
    if "keras" not in sys.modules:
        before = {name: os.environ.get(name) for name in ("KERAS_BACKEND", "KERAS_HOME")}
        with TemporaryDirectory() as empty:
            os.environ.update(KERAS_BACKEND=BACKEND, KERAS_HOME=empty)
            try:
                import keras
            finally:
                for name, value in before.items():
                    os.environ.pop(name)
                    if value is not None:
                        os.environ[name] = value
    import keras

    if keras.config.backend() != BACKEND:
        raise BadInput(
            f"KERAS_BACKEND={keras.config.backend()}: Keras was imported with it, but the network "
            f"needs {BACKEND}; import vocalseg before keras"
        )
    keras.config.set_floatx(FLOATX)
    keras.config.set_epsilon(EPSILON)
    keras.config.set_image_data_format(DATA_FORMAT)
    keras.config.set_dtype_policy(FLOATX)
