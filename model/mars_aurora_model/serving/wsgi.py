"""The web application of AWS's scikit-learn container, with `inference` as its module.

The container installs the folder of SAGEMAKER_PROGRAM by pip when it starts, which needs a network. Therefore the
variable is not set in the model but here, which the container imports afterwards.
"""

from __future__ import annotations

import os

os.environ["SAGEMAKER_PROGRAM"] = "inference.py"

from sagemaker_sklearn_container.serving import main

__all__ = ["main"]
