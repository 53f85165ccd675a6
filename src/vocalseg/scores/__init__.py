"""Quality of an estimate: the standard protocols, the paper's protocol, and bounds of both.

All values are in dB and clipped to [-100, 100], the resolution of 32-bit waveforms.
"""

LIMIT_DB = 100.0
