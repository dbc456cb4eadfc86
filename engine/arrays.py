"""Types of the arrays that are handed from module to module; docstrings say their shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]  # one channel [frames] or several (frames, channels); full scale is 1
FloatArray = NDArray[np.floating]  # of either precision: what is measured of audio, and audio while it is computed
TokenArray = NDArray[np.integer]  # in memory int64, in files of corpora int16
