"""Precision, threads and kernels are chosen by rule; the user's Keras settings have no effect."""

import json
import os
import platform
import subprocess
import sys

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

from tests.conftest import BFLOAT16
from vocalseg import compute
from vocalseg.compute import choose, compute_settings, keras_defaults
from vocalseg.errors import BadInput
from vocalseg.layers import BatchNormalization
from vocalseg.unet import build_unet

X86 = platform.machine().lower() in ("x86_64", "amd64")


def small_unet(precision):
    keras.utils.set_random_seed(3)
    return build_unet(16, 16, 2, 1, precision)


def estimate(model):
    tiles = np.random.default_rng(0).random((2, 16, 16, 1), dtype=np.float32)
    return model.predict_on_batch(tiles)


# ------------------------------------------------------------------ number format


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=BFLOAT16)])
def test_layers_compute_in_the_precision_and_variables_are_float32(precision):
    model = small_unet(precision)
    assert model.layers[1].compute_dtype == precision
    assert {variable.dtype for variable in model.variables} == {"float32"}
    assert estimate(model).dtype == np.float32


@BFLOAT16
def test_bfloat16_gives_nearly_the_same_estimate():
    exact, rounded = estimate(small_unet("float32")), estimate(small_unet("bfloat16"))
    assert 0 < np.abs(exact - rounded).max() < 0.05 * np.abs(exact).max()


def test_auto_precision_is_deterministic_and_used_by_the_layers():
    assert choose("auto") in ("float32", "bfloat16")
    assert choose("auto") == choose("auto")
    assert small_unet("auto").layers[1].compute_dtype == choose("auto")


def test_auto_precision_is_float32_if_onednn_may_not_use_bfloat16(monkeypatch):
    for limit in ("AVX2", "avx512_core_vnni"):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
        assert choose("auto") == "float32"


def test_bfloat16_that_onednn_may_not_compute_is_refused_in_one_line(monkeypatch):
    """With AVX-512, TensorFlow leaves bfloat16 to oneDNN; without, it computes bfloat16 itself."""
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setattr(compute, "_cpu_flags", lambda: {"avx2"})
    assert choose("bfloat16") == "bfloat16"
    monkeypatch.setattr(compute, "_cpu_flags", lambda: {"avx2", "avx512f", "avx512_bf16"})
    with pytest.raises(BadInput, match="ONEDNN_MAX_CPU_ISA=AVX2; unset the variable, or choose"):
        choose("bfloat16")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")  # emulates it
    assert choose("bfloat16") == "bfloat16"


@BFLOAT16
@pytest.mark.parametrize("channels", [8, 16])
def test_batch_normalization_in_bfloat16_rounds_its_output_only(channels, rng):
    """With 8 channels, it is computed in float32."""
    with keras_defaults("bfloat16"):
        layer = BatchNormalization(momentum=0.5)
    x = tf.cast(rng.normal(3, 2, (2, 16, 16, channels)), tf.bfloat16)
    found = layer(x, training=True)
    assert found.dtype == tf.bfloat16
    exact = np.asarray(tf.cast(x, tf.float64))
    mean, variance = exact.mean((0, 1, 2)), exact.var((0, 1, 2))
    expected = (exact - mean) / np.sqrt(variance + layer.epsilon)
    np.testing.assert_allclose(np.asarray(tf.cast(found, tf.float64)), expected, atol=0.02)
    np.testing.assert_allclose(layer.moving_mean, mean / 2, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, (1 + variance) / 2, rtol=1e-4)


# ------------------------------------------------------------------ in a separate process

TRAIN = """
import hashlib
from pathlib import Path
from vocalseg.compute import compute_settings  # first, because it selects Keras' backend
import keras, numpy as np, pandas as pd
from vocalseg.loader import TileStore
from vocalseg.training import fit
from vocalseg.unet import build_unet

keras.utils.set_random_seed(3)
model = build_unet(16, 16, 2, 1, "float32")
tiles = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)
ones = np.ones((8, 16, 1), np.float32)
examples = pd.DataFrame({"kind": "original", "tile": range(8), "blackout_start": -1})
examples["part"] = 6 * ["train"] + 2 * ["validation"]
fit(
    model, TileStore(tiles, tiles / 2, 0 * ones, ones), examples, loss="mae", epochs=2,
    batch_size=2, learning_rate=0.01, seed=1, backup=Path("backup.npz"),
)
weights = b"".join(weight.tobytes() for weight in model.get_weights())
estimate = model.predict_on_batch(tiles[..., None])
assert estimate.dtype == np.float32
print(compute_settings("float32"))
print(hashlib.sha256(weights + estimate.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Run code in a new process that does not inherit the settings of this one."""

    def run(code, **variables):
        chosen = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "KERAS_BACKEND")
        inherited = {key: value for key, value in os.environ.items() if key not in chosen}
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path_factory.mktemp("python"),
            capture_output=True, text=True,
            env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def trained(python, tmp_path_factory):
    """A training without settings of the user."""
    done = python(TRAIN, KERAS_HOME=str(tmp_path_factory.mktemp("keras")))
    assert done.returncode == 0, done.stderr
    return done


def test_user_settings_of_keras_have_no_effect(python, trained, tmp_path):
    home = tmp_path / "keras"
    home.mkdir()
    hostile = {
        "floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_first"
    }  # fmt: skip
    limits = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    (home / "keras.json").write_text(json.dumps(hostile))
    other = python(TRAIN, KERAS_HOME=str(home), KERAS_BACKEND="jax", **limits)
    assert other.returncode == 0, other.stderr
    assert other.stdout == trained.stdout


SHOW = "import vocalseg; from vocalseg import compute; print(compute.compute_settings('float32'))"
BUILD = "; from vocalseg.unet import build_unet; build_unet(16, 16, 2, 1)"
LATE = "imported before vocalseg"


def test_onednn_is_enabled_with_one_thread_per_processor(trained):
    one_each = psutil.Process().cpu_affinity() if sys.platform == "linux" else range(os.cpu_count())
    assert f"threads={len(one_each)}," in trained.stdout
    assert "onednn=True" in trained.stdout or not X86
    assert LATE not in trained.stderr


def test_user_settings_of_tensorflow_take_precedence(python):
    user = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "3"}
    shown = python("import tensorflow;" + SHOW + BUILD, **user)
    assert "onednn=False, threads=3," in shown.stdout
    assert LATE not in shown.stderr


def test_number_of_threads_set_by_the_program_is_found(python):
    by_program = "import tensorflow as tf; tf.config.threading.set_intra_op_parallelism_threads(5);"
    assert "threads=5," in python(by_program + SHOW).stdout


@pytest.mark.skipif(not X86, reason="oneDNN is chosen on x86 processors only")
def test_warns_if_tensorflow_was_imported_before_vocalseg_without_onednn(python):
    off = "import os; os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'; import tensorflow;"
    late = python(off + "del os.environ['TF_ENABLE_ONEDNN_OPTS']; import vocalseg" + BUILD)
    assert late.returncode == 0 and LATE in late.stderr


def test_keras_with_another_backend_is_an_error(monkeypatch, rejects):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with rejects("jax", "import vocalseg before keras", "KERAS_BACKEND=tensorflow"):
        build_unet(16, 16, 2, 1)


def test_settings_describe_this_process():
    used = compute_settings("auto")
    assert used.precision == choose("auto") and used.threads >= 1
    assert used.onednn or not X86 or os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
