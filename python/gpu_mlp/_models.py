"""Trained networks: loaded, asked, and taken to other libraries and from them."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _native

__all__ = ["Model", "devices", "from_sklearn", "from_torch", "load"]

Floats = npt.NDArray[np.float32]
_Path = str | os.PathLike[str]

#: What PyTorch and scikit-learn call our activations.
_TORCH = {
    "relu": "ReLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "gelu": "GELU",
    "leaky-relu": "LeakyReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "softplus": "Softplus",
    "identity": "Identity",
}
_SKLEARN = {"logistic": "sigmoid"}
_LOSSES = {"classes": "softmax-cross-entropy", "labels": "sigmoid-cross-entropy", "numbers": "squared-error"}


def devices() -> list[dict[str, Any]]:
    """The devices of this machine: the CPU, then every adapter by every interface.

    Returns
    -------
    list of dict
        Each with ``backend``, ``adapter`` (its name) and ``device_type``; of adapters also ``index``, ``driver`` and limits. A
        ``backend``, a part of a name, or both as ``"vulkan:nvidia"``, is a ``device=`` everywhere.

    Examples
    --------
    >>> import gpu_mlp
    >>> gpu_mlp.devices()[0]["backend"]
    'cpu'
    """
    cpu, adapters = json.loads(_native.devices())
    return [cpu, *({"adapter": adapter.pop("name"), **adapter} for adapter in adapters)]


class Model:
    """A trained network, or an ensemble of several: from :func:`gpu_mlp.load`, :func:`gpu_mlp.train` and others.

    Attributes
    ----------
    task : str
        ``"classes"``, ``"labels"`` or ``"numbers"``: what it predicts.
    names : list of str
        Of its classes, labels or targets.
    path : pathlib.Path or None
        The run that it is from.
    """

    def __init__(self, network: _native.Network, path: Path | None = None) -> None:
        self._network = network
        self._info: dict[str, Any] = json.loads(network.info())
        self.path = path

    @property
    def _preparation(self) -> dict[str, Any]:
        preparation: dict[str, Any] = self._info["preparation"]
        return preparation

    @property
    def task(self) -> str:
        outputs = self._preparation.get("outputs", "classes")
        return outputs if isinstance(outputs, str) else "numbers"

    @property
    def names(self) -> list[str]:
        return list(self._preparation["class_names"])

    @property
    def layers(self) -> list[tuple[Floats, Floats]]:
        """Weights ``[in, out]`` and biases of each layer, of the first member of an ensemble."""
        return self._network.layers(0)

    @property
    def activations(self) -> list[str]:
        """What follows each hidden layer."""
        own, hidden = self._info["activation"], len(self._info["layers"]) - 2
        return [own] * hidden if isinstance(own, str) else list(own)

    def __repr__(self) -> str:
        sizes = "-".join(str(size) for size in self._info["layers"])
        members = self._network.members()
        several = f", {members} members" if members > 1 else ""
        return f"<gpu_mlp.Model {sizes}, predicts {self.task}{several}>"

    def _answers(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities or numbers of an array, a table, or files."""
        if isinstance(X, (str, os.PathLike)):
            return self._read([os.fspath(X)])
        if isinstance(X, (list, tuple)) and X and all(isinstance(path, (str, os.PathLike)) for path in X):
            return self._read([os.fspath(path) for path in X])
        table: Any = X
        if hasattr(table, "to_csv") and self._preparation.get("schema"):
            # The model knows its columns by their names, and what becomes of words in them.
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "table.csv")
                table.to_csv(path, index=False)
                return self._read([path], "the table")
        rows = np.asarray(X)
        if rows.dtype.kind not in "fiub":
            raise ValueError(f"X: expected numbers, a DataFrame or paths, got an array of {rows.dtype}")
        if rows.ndim == 1:
            raise ValueError(f"X: expected rows [samples, {self._info['layers'][0]}], got shape {rows.shape}")
        rows = rows.reshape(len(rows), -1).astype(np.float64)
        if not np.isfinite(rows).all():
            raise ValueError("X has values that are missing or infinite")
        if self._preparation["scaling"] == "bytes":
            return self._network.answers((rows / 255).astype(np.float32))
        return self._network.answers(self._network.scaled(rows))

    def _read(self, paths: Sequence[str], name: str | None = None) -> npt.NDArray[np.float64]:
        answers, notes = self._network.answers_of_files(paths)
        for note in notes:
            warnings.warn(note.replace(paths[0], name) if name else note, stacklevel=4)
        return answers

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The probability of each class, or of each label.

        Parameters
        ----------
        X : array-like, DataFrame, path or list of paths
            Rows in their own unit: they are scaled as those of training. Or files as ``gpu-mlp predict`` takes them.

        Returns
        -------
        ndarray of shape (samples, outputs)
            In the order of ``names``.
        """
        if self.task == "numbers":
            raise ValueError("this model predicts numbers, which have no probabilities: use predict")
        return self._answers(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of each row, which labels it has, or its numbers.

        Parameters
        ----------
        X : array-like, DataFrame, path or list of paths
            As of :meth:`predict_proba`.

        Returns
        -------
        ndarray
            Of classes their names ``[samples]``; of labels 0 and 1 ``[samples, labels]``; numbers in their own unit, of one
            target ``[samples]``.
        """
        answers = self._answers(X)
        if self.task == "classes":
            classes: npt.NDArray[Any] = np.asarray(self.names)[answers.argmax(axis=1)]
            return classes
        if self.task == "labels":
            return np.asarray(answers > 0.5, dtype=np.int64)
        numbers: npt.NDArray[Any] = answers[:, 0] if answers.shape[1] == 1 else answers
        return numbers

    def on(self, device: str) -> Model:
        """The same network on another device."""
        return Model(self._network.on(device), self.path)

    def to_onnx(self, path: _Path) -> Path:
        """Write an ONNX model, with the scaling of inputs inside; of an ensemble the mean of what its members say."""
        self._network.export(path, "onnx")
        return Path(path)

    def save(self, path: _Path) -> Path:
        """Write a file that :func:`gpu_mlp.load`, the program and others read, by its ending: ``.safetensors``, ``.onnx`` or ``.npz``."""
        self._network.export(path, Path(path).suffix[1:])
        return Path(path)

    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Sequential``, for rows in their own unit.

        Returns
        -------
        torch.nn.Sequential
            Its outputs are logits, or numbers in their own unit. The scaling of inputs, and of numbers, is in the weights.
        """
        import torch

        if self._network.members() > 1:
            raise ValueError("an ensemble is several networks: to_torch takes one; to_onnx takes an ensemble")
        parts: list[Any] = []
        layers = [(w.astype(np.float64), b.astype(np.float64)) for w, b in self.layers]
        shift, factor = self._scaling()
        first, bias = layers[0]
        layers[0] = (factor[:, None] * first, bias - (shift * factor) @ first)
        if self.task == "numbers":
            numbers = self._preparation["outputs"]["numbers"]
            last, bias = layers[-1]
            deviation = np.asarray(numbers["deviation"])
            layers[-1] = (last * deviation, bias * deviation + np.asarray(numbers["mean"]))
        for number, (w, b) in enumerate(layers):
            linear = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T.astype(np.float32)))
                linear.bias.copy_(torch.from_numpy(b.astype(np.float32)))
            parts.append(linear)
            if number < len(layers) - 1:
                parts.append(getattr(torch.nn, _TORCH[self.activations[number]])())
        return torch.nn.Sequential(*parts)

    def _scaling(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Shift and factor of each input."""
        scaling, inputs = self._preparation["scaling"], self._info["layers"][0]
        if isinstance(scaling, dict):
            columns = scaling["columns"]
            return np.asarray(columns["shift"]), np.asarray(columns["factor"])
        return np.zeros(inputs), np.full(inputs, 1 / 255 if scaling == "bytes" else 1.0)


def load(path: _Path, device: str = "cpu") -> Model:
    """Load the model of a run, an ensemble, or a model's file.

    Parameters
    ----------
    path : str or path
        The folder of a run, or a ``.safetensors`` file as the program writes it.
    device : str, default="cpu"
        Where it answers; see :func:`gpu_mlp.devices`.

    Returns
    -------
    Model
        Ready to predict.
    """
    network, notes = _native.Network.load(path, device)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Model(network, Path(path))


def _assembled(
    layers: list[tuple[Any, Any]], activations: list[str], task: str, names: Sequence[Any] | None, device: str
) -> Model:
    """A model of layers, for rows as they are."""
    arrays = [
        (np.ascontiguousarray(w, dtype=np.float32), np.ascontiguousarray(b, dtype=np.float32))
        for w, b in layers
    ]
    outputs = arrays[-1][1].shape[0]
    own = [str(name) for name in (range(outputs) if names is None else names)]
    said: Any = (
        task if task != "numbers" else {"numbers": {"mean": [0.0] * outputs, "deviation": [1.0] * outputs}}
    )
    info = {
        "layers": [arrays[0][0].shape[0], *(b.shape[0] for _, b in arrays)],
        "activation": activations or "relu",
        "loss": _LOSSES[task],
        "input_scale": 1.0,
        "preparation": {"scaling": "none", "class_names": own, "outputs": said},
    }
    return Model(_native.Network.of([arrays], json.dumps(info), device))


def from_torch(
    module: Any, *, task: str = "classes", names: Sequence[Any] | None = None, device: str = "cpu"
) -> Model:
    """Take a ``torch.nn.Sequential`` of linear layers and activations.

    Parameters
    ----------
    module : torch.nn.Sequential
        ``Linear`` layers with an activation after each but the last; ``Dropout`` and ``Flatten`` are passed by.
    task : {"classes", "labels", "numbers"}, default="classes"
        What its outputs are: logits of classes, logits of labels, or numbers.
    names : sequence, optional
        Of its outputs; by default their numbers.
    device : str, default="cpu"
        Where it answers.

    Returns
    -------
    Model
        Takes rows as the module does.
    """
    if task not in _LOSSES:
        raise ValueError(f"task: expected one of {', '.join(_LOSSES)}, got {task!r}")
    ours = {theirs: name for name, theirs in _TORCH.items()}
    layers: list[tuple[Any, Any]] = []
    activations: list[str] = []
    for part in module:
        kind = type(part).__name__
        if kind == "Linear":
            if len(activations) < len(layers):
                activations.append("identity")
            w = part.weight.detach().cpu().float().numpy().T
            bias = np.zeros(w.shape[1]) if part.bias is None else part.bias.detach().cpu().float().numpy()
            layers.append((w, bias))
        elif kind in ours and len(activations) == len(layers) - 1:
            if kind == "GELU" and part.approximate != "none":
                raise ValueError("GELU: the tanh approximation is not known here, only the exact function")
            if (kind == "LeakyReLU" and part.negative_slope != 0.01) or (kind == "ELU" and part.alpha != 1.0):
                raise ValueError(f"{kind}: only PyTorch's default slope is known here, got {part}")
            activations.append(ours[kind])
        elif kind not in ("Dropout", "Flatten"):
            raise ValueError(
                f"expected linear layers, with an activation after each but the last; got {part}"
            )
    if not layers or len(activations) >= len(layers):
        raise ValueError("expected linear layers, with an activation after each but the last")
    return _assembled(layers, activations, task, names, device)


def from_sklearn(estimator: Any, device: str = "cpu") -> Model:
    """Take the network of scikit-learn's ``MLPClassifier`` or ``MLPRegressor``.

    Parameters
    ----------
    estimator : sklearn.neural_network.MLPClassifier or MLPRegressor
        One that is fitted.
    device : str, default="cpu"
        Where it answers.

    Returns
    -------
    Model
        Takes rows as the estimator does.
    """
    layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    activation = str(estimator.activation)
    hidden = [_SKLEARN.get(activation, activation)] * (len(layers) - 1)
    if estimator.out_activation_ == "identity":
        return _assembled(layers, hidden, "numbers", None, device)
    if estimator.out_activation_ == "softmax":
        return _assembled(layers, hidden, "classes", estimator.classes_, device)
    if len(estimator.classes_) == 2 and layers[-1][1].shape[0] == 1:
        # One logit z of two classes is the softmax of 0 and z.
        w, b = layers[-1]
        layers[-1] = (np.hstack([np.zeros_like(w), w]), np.concatenate([np.zeros_like(b), b]))
        return _assembled(layers, hidden, "classes", estimator.classes_, device)
    return _assembled(layers, hidden, "labels", estimator.classes_, device)
