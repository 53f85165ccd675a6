"""Muon, an optimizer that orthogonalizes the updates of matrices (Jordan et al., 2024)."""

import keras
import tensorflow as tf

#: Coefficients of the iteration of Jordan et al. Five steps map singular values from about 0.01 to
#: 1 to values between 0.68 and 1.14.
COEFFICIENTS = 3.4445, -4.7750, 2.0315
STEPS = 5


def orthogonalised(matrix: tf.Tensor) -> tf.Tensor:
    """Map the singular values of a matrix to values near 1 and keep its singular vectors.

    The Newton-Schulz iteration needs only multiplications and no decomposition.

    Parameters
    ----------
    matrix : float32 tensor, (rows, columns)
        Matrix to orthogonalize.

    Returns
    -------
    float32 tensor, (rows, columns)
        Orthogonalized matrix; zeros for a matrix of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> x = orthogonalised(tf.constant([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    >>> bool(np.all(np.abs(np.linalg.svd(x, compute_uv=False) - 0.95) < 0.3))
    True
    """
    rows, columns = matrix.shape
    x = tf.transpose(matrix) if rows < columns else matrix
    x = tf.math.divide_no_nan(x, tf.norm(x))
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = tf.matmul(x, x, transpose_a=True)
        x = a * x + tf.matmul(x, b * square + c * tf.matmul(square, square))
    return tf.transpose(x) if rows < columns else x


class Muon(keras.optimizers.Adam):
    """Muon for the kernels of hidden convolutions, and Adam for all other variables.

    A kernel (height, width, channels, channels) is treated as a matrix whose columns are the last
    axis. Its update is the moving average of the gradient with Nesterov's correction, which is
    orthogonalized and then scaled to a root mean square of about the learning rate. The kernels of
    the first and the last convolution, biases and the parameters of batch normalization are updated
    by Adam, as the authors of Muon recommend. The arguments are those of Adam; the learning rate
    applies to both.
    """

    def build(self, variables):
        """Create the optimizer's state for variables in the order of the layers."""
        super().build(variables)
        kernels = [i for i, variable in enumerate(variables) if len(variable.shape) == 4]
        self.hidden = set(kernels[1:-1])

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        index = self._get_variable_index(variable)
        if index not in self.hidden:
            super().update_step(gradient, variable, learning_rate)
            return
        past, gradient = self.beta_1, tf.convert_to_tensor(gradient)
        average = past * self._momentums[index] + (1 - past) * gradient
        self.assign(self._momentums[index], average)
        update = past * average + (1 - past) * gradient
        matrix = orthogonalised(tf.reshape(update, (-1, update.shape[-1])))
        scale = learning_rate * max(matrix.shape) ** 0.5
        self.assign_sub(variable, scale * tf.reshape(matrix, update.shape))
