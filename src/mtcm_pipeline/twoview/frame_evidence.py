"""Per frame: does its pose agree with the frames that truly see the same?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
