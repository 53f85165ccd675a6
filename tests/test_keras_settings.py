"""The user's Keras settings change nothing: the network brings its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

CODE = """
import os
from vocalseg.keras_settings import import_keras
import_keras()
import keras
from vocalseg.unet import build_unet
model = build_unet(16, 16, 1, 2)
print(keras.config.backend(), keras.config.floatx(), keras.config.epsilon(), model.output_shape,
      model.dtype_policy.name, os.environ["KERAS_HOME"], os.environ.get("KERAS_BACKEND"))
"""


@pytest.mark.parametrize(
    ("settings", "backend"),
    [
        ({"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.5}, None),
        ({"backend": "jax", "floatx": "float8"}, "jax"),
    ],
    ids=["other settings", "other backend, and a value that Keras does not know"],
)
def test_the_users_keras_settings_are_not_read(settings, backend, tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(SOURCE)}
    environment.pop("KERAS_BACKEND", None)
    if backend:
        environment["KERAS_BACKEND"] = backend
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = f"tensorflow float32 1e-07 (None, 16, 16, 1) float32 {tmp_path} {backend}\n"
    assert done.stdout == expected
    assert json.loads((tmp_path / "keras.json").read_text()) == settings
