"""Two layers of the network that compute what Keras' do in fewer passes over memory.

On a CPU everything but the convolutions is bound by memory: what counts is how often a feature map
is read and written.
"""

import keras
import tensorflow as tf


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation in one operation, which TensorFlow also fuses with the ReLU after it.

    Keras (3.15) puts it together from a dozen operations, each a pass over the feature map. The
    parameters, the moving averages and the result are those of Keras.
    """

    def __init__(self, **options):
        super().__init__(**options, autocast=False)  # the operation takes float32 statistics

    def call(self, inputs, training=None):
        inputs = tf.cast(inputs, self.compute_dtype)
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
            variance *= (count - 1) / count  # the operation gives the unbiased one
            for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return outputs


class JoinedConvolution(keras.layers.Layer):
    """3x3 convolution, without bias, of two feature maps put together along the channels.

    A convolution of joined channels is the sum of the convolutions of the parts, so the joined map
    need not be written. Initialised as ``keras.layers.Conv2D`` of the joined map.

    Parameters
    ----------
    filters : int
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
