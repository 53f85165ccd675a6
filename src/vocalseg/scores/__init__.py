"""How good an estimate is: the field's protocols, the paper's, and the bounds of both.

All values are in dB, held to [-100, 100]: beyond that a 32-bit waveform is rounding.
"""

LIMIT_DB = 100.0
