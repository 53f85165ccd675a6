"""Two layers that give the same results as Keras' layers with fewer passes over memory.

On a CPU, everything except the convolutions is limited by memory bandwidth: the time depends on how
often a feature map is read and written.
"""

import keras
import tensorflow as tf


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation in one operation, which TensorFlow also fuses with the ReLU after it.

    Keras (3.15) composes it of a dozen operations, each with a pass over the feature map. The
    parameters, the moving averages and the result are those of Keras.

    Parameters
    ----------
    **options
        Passed to ``keras.layers.BatchNormalization``.
    """

    def __init__(self, **options):
        super().__init__(**options, autocast=False)  # the operation takes float32 statistics

    def call(self, inputs, training=None):
        inputs = tf.cast(inputs, self._operation_dtype(inputs.shape[-1]))
        statistics = [] if training else self.moving_mean, [] if training else self.moving_variance
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=statistics[0],
            variance=statistics[1],
            epsilon=self.epsilon,
            is_training=bool(training),
        )
        if training:
            count = tf.cast(tf.size(inputs) / tf.size(mean), tf.float32)
            variance *= (count - 1) / count  # the operation returns the unbiased variance
            for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return tf.cast(outputs, self.compute_dtype)

    def _operation_dtype(self, channels: int) -> str:
        # oneDNN's fast kernels for bfloat16 need a multiple of 16 channels. With 8, float32 and two
        # casts are faster than the other kernel.
        slow = self.compute_dtype == "bfloat16" and channels % 16
        return "float32" if slow else self.compute_dtype


class JoinedConvolution(keras.layers.Layer):
    """3x3 convolution, without bias, of feature maps concatenated along the channels.

    The convolution of concatenated maps is the sum of the maps' convolutions, so the concatenation
    is not materialised. Weights are initialised as in ``keras.layers.Conv2D``.

    Parameters
    ----------
    filters : int
        Number of output channels.
    **options
        Passed to ``keras.layers.Layer``.
    """

    def __init__(self, filters: int, **options):
        super().__init__(**options)
        self.filters = filters

    def build(self, input_shape):
        channels = sum(shape[-1] for shape in input_shape)
        self.kernel = self.add_weight(
            shape=(3, 3, channels, self.filters), initializer="glorot_uniform", name="kernel"
        )

    def call(self, inputs):
        kernels = tf.split(
            tf.convert_to_tensor(self.kernel), [x.shape[-1] for x in inputs], axis=2
        )
        return tf.add_n(
            [tf.nn.conv2d(x, k, 1, "SAME") for x, k in zip(inputs, kernels, strict=True)]
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.filters)
