"""gpu-mlp: multi-layer perceptrons on any GPU or the CPU, and a doctor for hand-written backpropagation.

``doctor`` examines the arrays of your own backpropagation; ``MLPClassifier`` and ``MLPRegressor`` are estimators as
scikit-learn has them; ``train`` and ``load`` work with the folders of runs, as the program ``gpu-mlp`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _environment
from ._doctor import Doctor, Report, doctor
from ._models import Model, devices, from_sklearn, from_torch, load
from ._runs import Replay, replay, train

if TYPE_CHECKING:
    from ._estimators import MLPClassifier, MLPRegressor

__all__ = [
    "Doctor",
    "MLPClassifier",
    "MLPRegressor",
    "Model",
    "Replay",
    "Report",
    "devices",
    "doctor",
    "from_sklearn",
    "from_torch",
    "load",
    "replay",
    "train",
]

_environment.prepare()


def __getattr__(name: str) -> Any:
    # The estimators import scikit-learn, which takes longer than everything else here and need not be there.
    if name in ("MLPClassifier", "MLPRegressor"):
        from . import _estimators

        return getattr(_estimators, name)
    raise AttributeError(f"module 'gpu_mlp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
