"""``MLPClassifier`` and ``MLPRegressor``, as scikit-learn has them, trained by the library."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from . import _native

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state, compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        "gpu_mlp's estimators need scikit-learn 1.6 or later: pip install scikit-learn"
    ) from error

__all__ = ["MLPClassifier", "MLPRegressor"]

Floats = npt.NDArray[np.float32]
Self = TypeVar("Self", bound="_MLP")

#: The names that scikit-learn has for what the library calls otherwise.
_ACTIVATIONS = {"logistic": "sigmoid"}
_SOLVERS = ("adam", "adamw", "sgd")


class _MLP(BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    hidden_layer_sizes: int | Sequence[int]
    activation: str | Sequence[str]
    solver: str
    alpha: float
    batch_size: int | Literal["auto"]
    learning_rate_init: float
    max_iter: int
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    device: str
    schedule: str
    warmup_epochs: float
    dropout: float
    clip_norm: float | None

    #: The trained network.
    _network: _native.Network
    n_features_in_: int

    @property
    def coefs_(self) -> list[Floats]:
        """The weights of each layer, ``[in, out]``: copies that cannot be written to."""
        return [w for w, _ in self._layers()]

    @property
    def intercepts_(self) -> list[Floats]:
        """The biases of each layer: copies that cannot be written to."""
        return [b for _, b in self._layers()]

    def _layers(self) -> list[tuple[Floats, Floats]]:
        # `hasattr(estimator, "coefs_")` says whether it is trained.
        if "_network" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet, so it has no weights")
        layers = self._network.layers(0)
        for w, b in layers:
            w.flags.writeable = b.flags.writeable = False
        return layers

    def _rows(self, X: Any) -> Floats:
        """The rows to be answered, checked as scikit-learn does; what is plainly right takes no time."""
        if "_network" not in vars(self):
            check_is_fitted(self, "n_iter_")
        if type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float32, np.float64):
            with np.errstate(over="ignore"):
                rows: Floats = np.ascontiguousarray(X, dtype=np.float32)
            plain = (
                X.shape[0] > 0
                and X.shape[1] == self.n_features_in_
                and not hasattr(self, "feature_names_in_")
            )
            if plain and np.isfinite(rows).all():
                return rows
        checked: Any = validate_data(self, X=X, dtype=np.float32, order="C", reset=False)  # pyright: ignore[reportArgumentType]
        return np.asarray(checked)

    def _sizes(self) -> list[int]:
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes)).ravel()
        if sizes.size and (sizes.dtype.kind not in "iu" or sizes.min() < 1):
            raise ValueError(
                f"hidden_layer_sizes: expected whole numbers of 1 or more, got {self.hidden_layer_sizes!r}"
            )
        return [int(size) for size in sizes]

    def _rows_of_batch(self, samples: int) -> int:
        if self.batch_size == "auto":
            return min(200, samples)
        if not isinstance(self.batch_size, (int, np.integer)) or self.batch_size < 1:
            raise ValueError(
                f'batch_size: expected "auto" or a whole number of 1 or more, got {self.batch_size!r}'
            )
        return min(int(self.batch_size), samples)

    def _number(self, name: str) -> float:
        """A parameter that is a number; the library says which numbers it may be."""
        value = getattr(self, name)
        if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
            return float(value)
        raise ValueError(f"{name}: expected a finite number, got {value!r}")

    def _config(self, samples: int, seed: int, own: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of a training, under the library's names."""
        if self.solver not in _SOLVERS:
            other = " (there is no lbfgs here)" if self.solver == "lbfgs" else ""
            raise ValueError(f"solver: expected one of {', '.join(_SOLVERS)}, got {self.solver!r}{other}")
        if not isinstance(self.max_iter, (int, np.integer)) or self.max_iter < 1:
            raise ValueError(f"max_iter: expected a whole number of 1 or more, got {self.max_iter!r}")
        if not isinstance(self.n_iter_no_change, (int, np.integer)) or self.n_iter_no_change < 1:
            raise ValueError(
                f"n_iter_no_change: expected a whole number of 1 or more, got {self.n_iter_no_change!r}"
            )
        names = [self.activation] if isinstance(self.activation, str) else list(self.activation)
        names = [_ACTIVATIONS.get(name, name) for name in names]
        batch = self._rows_of_batch(samples)
        # One-cycle sets the momentum itself.
        momentum = self.solver == "sgd" and self.schedule != "one-cycle"
        config = {
            "hidden": self._sizes(),
            "activation": names[0] if isinstance(self.activation, str) else names,
            "optimizer": self.solver,
            "lr": self._number("learning_rate_init"),
            # scikit-learn's penalty is alpha / 2 |w|^2 / rows of the batch. AdamW's decay is no part of the loss.
            "weight_decay": self._number("alpha")
            if self.solver == "adamw"
            else self._number("alpha") / batch,
            "batch_size": batch,
            "epochs": int(self.max_iter),
            "momentum": self._number("momentum") if momentum else 0.0,
            "nesterov": bool(self.nesterovs_momentum and self.momentum > 0) if momentum else False,
            "lr_schedule": self.schedule,
            "warmup_epochs": self._number("warmup_epochs"),
            "dropout": self._number("dropout"),
            "clip_norm": None if self.clip_norm is None else self._number("clip_norm"),
            "seed": seed,
            "early_stopping": int(self.n_iter_no_change) if self.early_stopping else None,
            **own,
        }
        if self.schedule == "step":
            config["lr_step_epochs"] = max(1, int(self.max_iter) // 3)
        return config

    def _train(
        self,
        X: Floats,
        y: npt.NDArray[Any],
        weights: npt.NDArray[np.float64] | None,
        names: list[str],
        outputs: str | dict[str, Any],
        own: Mapping[str, Any],
        goes_on: bool,
    ) -> None:
        """Trains on class numbers ``[rows]`` or numbers ``[rows, outputs]``."""
        if goes_on and (self.early_stopping or self.schedule != "constant" or self.warmup_epochs):
            raise ValueError(
                "partial_fit knows no last epoch: it needs early_stopping=False and a constant schedule"
            )
        begin = self._network if "_network" in vars(self) and (goes_on or self.warm_start) else None
        if begin is None or not goes_on:
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            self.loss_curve_: list[float] = []
            self.t_ = 0
            self.n_iter_ = 0
        if begin is not None and goes_on:
            # Another order of the samples in each call.
            self._seed = (self._seed + 1) % 2**31
        config = self._config(len(X), self._seed, own)
        if goes_on:
            config["epochs"] = 1
        watch = _Progress(self, fixed=goes_on or self.schedule != "constant")
        asked = {
            "config": json.dumps(config),
            "device": self.device,
            "outputs": json.dumps(outputs),
            "class_names": names,
            "validation_fraction": self._number("validation_fraction") if self.early_stopping else 0.0,
            "goes_on": goes_on,
        }
        scaled = None if weights is None else np.ascontiguousarray(weights / weights.mean(), dtype=np.float32)
        self._network = _native.fit(X, y, scaled, asked, begin, watch.epoch)
        self.loss_curve_ += watch.losses
        self.n_iter_ += len(watch.losses)
        self.t_ += len(watch.losses) * len(X)
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = None if self.early_stopping else min(self.loss_curve_)
        self.validation_loss_curve_ = watch.validation or None
        self.n_layers_ = len(config["hidden"]) + 2
        self.n_outputs_ = len(names)
        if (
            not watch.fixed
            and not watch.is_over
            and len(watch.losses) == self.max_iter
            and not self.early_stopping
        ):
            warnings.warn(
                f"training reached max_iter={self.max_iter} before the loss stood still",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _weighted(
        self, X: Floats, y: npt.NDArray[Any], sample_weight: Any
    ) -> tuple[Floats, npt.NDArray[Any], npt.NDArray[np.float64] | None]:
        """The samples that count, and what each counts."""
        if sample_weight is None:
            return X, y, None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if weights.min() < 0:
            raise ValueError(
                f"sample_weight: expected weights of 0 or more, got the negative weight {weights.min()}"
            )
        counted = weights > 0
        if not counted.any():
            raise ValueError("sample_weight: every weight is zero, so no sample is left to train on")
        return X[counted], y[counted], weights[counted]

    def _as_one_batch(
        self, X: Floats, y: npt.NDArray[Any], weights: npt.NDArray[np.float64] | None
    ) -> tuple[Floats, npt.NDArray[Any], npt.NDArray[np.float64] | None]:
        """Samples that are all one batch, so that neither their order counts, nor whether one is given twice or weighs two.

        The loss of such a batch is a mean in which order means nothing, but the rounding of its sum would.
        """
        if self.early_stopping or self._rows_of_batch(len(X)) < len(X):
            return X, y, weights
        both = np.column_stack([X, y]).astype(np.float64)
        both, which = np.unique(both, axis=0, return_inverse=True)
        counts = np.bincount(which.ravel(), weights=weights).astype(np.float64)
        X, values = both[:, : X.shape[1]].astype(np.float32), both[:, X.shape[1] :]
        y = np.ascontiguousarray(values.reshape(-1, *y.shape[1:]).astype(y.dtype))
        return X, y, None if (counts == counts[0]).all() else counts


class _Progress:
    """Hears of each epoch, and says when the loss has stood still: scikit-learn's rule."""

    def __init__(self, estimator: _MLP, fixed: bool) -> None:
        self.losses: list[float] = []
        self.validation: list[float] = []
        self.is_over = False
        #: Whether all epochs are wanted.
        self.fixed = fixed or estimator.early_stopping
        self._verbose, self._tol = estimator.verbose, estimator.tol
        self._patience = estimator.n_iter_no_change
        self._best, self._since = np.inf, 0

    def epoch(self, number: int, loss: float, validation: float | None, seconds: float) -> bool:
        self.losses.append(loss)
        if validation is not None:
            self.validation.append(validation)
        if self._verbose:
            held_out = "" if validation is None else f", validation loss = {validation:.8f}"
            print(f"Iteration {number}, loss = {loss:.8f}{held_out}")
        self._since = self._since + 1 if loss > self._best - self._tol else 0
        self._best = min(self._best, loss)
        self.is_over = not self.fixed and self._since > self._patience
        return self.is_over


class MLPClassifier(ClassifierMixin, _MLP):  # type: ignore[misc]
    """Multi-layer perceptron classifier, on any GPU or the CPU.

    It minimises the cross-entropy of softmax, or of a sigmoid for each label where ``y`` is a matrix of 0 and 1.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` for none.
    activation : str or sequence of str, default="relu"
        After all hidden layers, or after each: "relu", "tanh", "sigmoid" ("logistic"), "gelu", "leaky-relu", "elu", "silu",
        "softplus" or "identity".
    solver : {"adam", "adamw", "sgd"}, default="adam"
        The optimiser.
    alpha : float, default=0.0001
        L2 penalty, divided by the rows of a batch as scikit-learn does; with "adamw" its weight decay. It includes biases.
    batch_size : int or "auto", default="auto"
        Samples of a step; "auto" is 200, or all samples where there are fewer.
    learning_rate_init : float, default=0.001
        The learning rate; with a schedule, the highest.
    max_iter : int, default=200
        Epochs, at most.
    random_state : int, RandomState or None, default=None
        Decides the initial weights, the order of samples, and dropout.
    tol : float, default=0.0001
        Training ends once the loss has not fallen by this in ``n_iter_no_change`` epochs.
    verbose : bool, default=False
        Whether to print the loss of each epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights that are there.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
        Whether "sgd" looks ahead along its momentum.
    early_stopping : bool, default=False
        Whether to hold out samples, stop once their loss has not fallen in ``n_iter_no_change`` epochs, and keep the best weights.
    validation_fraction : float, default=0.1
        The part that is held out; of each class about the same.
    n_iter_no_change : int, default=10
        Epochs to wait.
    device : str, default="auto"
        "cpu", "vulkan", "metal", "dx12", "gl", a part of an adapter's name, or both: "vulkan:nvidia". "auto" is a hardware GPU if
        there is one, else the CPU. :func:`gpu_mlp.devices` lists them.
    schedule : {"constant", "step", "cosine", "one-cycle"}, default="constant"
        Of the learning rate, over ``max_iter`` epochs; "step" divides it by 10 after each third. All epochs are then trained.
    warmup_epochs : float, default=0
        Epochs in which the learning rate rises from near 0.
    dropout : float, default=0
        Probability that a hidden unit is dropped in a step.
    clip_norm : float, optional
        The longest gradient; longer ones are scaled down.
    class_weight : dict, "balanced" or None, default=None
        What samples of each class count.
    label_smoothing : float, default=0
        The part of each label that is spread over all classes.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted; of labels their numbers.
    coefs_, intercepts_ : list of ndarray
        Weights ``[in, out]`` and biases of each layer.
    loss_curve_ : list of float
        The training loss of each epoch.
    validation_loss_curve_ : list of float or None
        With early stopping, the loss of what was held out.
    n_iter_, loss_, best_loss_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As scikit-learn has them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gpu_mlp import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(learning_rate_init=0.01, random_state=1, device="cpu").fit(X, y)
    >>> bool(clf.score(X, y) > 0.95)
    True
    >>> clf.predict_proba(X[:2]).shape
    (2, 3)
    """

    classes_: npt.NDArray[Any]
    _labels: bool

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        device: str = "auto",
        schedule: str = "constant",
        warmup_epochs: float = 0.0,
        dropout: float = 0.0,
        clip_norm: float | None = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.dropout = dropout
        self.clip_norm = clip_norm
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on ``X`` ``[samples, features]`` and ``y``: a class each, or a matrix of 0 and 1 ``[samples, labels]``.

        Parameters
        ----------
        X : array-like of shape (samples, features)
            Numbers; a DataFrame's column names are kept.
        y : array-like of shape (samples,) or (samples, labels)
            Classes of any type, or which labels each sample has.
        sample_weight : array-like of shape (samples,), optional
            What each sample counts in its batch; 0 leaves it out.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        return self._fit(X, y, sample_weight, classes=None, goes_on=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> MLPClassifier:
        """Train for one epoch, and go on from the calls before with the same optimiser.

        Parameters
        ----------
        X, y, sample_weight
            As of :meth:`fit`.
        classes : array-like, optional
            All classes that may come; needed in the first call.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        return self._fit(X, y, sample_weight, classes=classes, goes_on=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, classes: Any, goes_on: bool) -> MLPClassifier:
        first = "_network" not in vars(self)
        reset = first or not goes_on
        X, y = validate_data(self, X, y, dtype=np.float32, order="C", multi_output=True, reset=reset)
        check_classification_targets(y)
        if goes_on and first and classes is None:
            raise ValueError("classes: the first call of partial_fit has to name all classes")
        labels = type_of_target(y).startswith("multilabel")
        if not labels:
            y = column_or_1d(y, warn=True)
        here = np.arange(y.shape[1]) if labels else np.unique(y)
        all_classes = here if classes is None else np.unique(np.asarray(classes))
        if not reset or (self.warm_start and not first and not goes_on):
            if labels != self._labels or not np.isin(here, self.classes_).all():
                raise ValueError(
                    f"y has classes that the network does not know: got {here}, it knows {self.classes_}"
                )
        else:
            self.classes_, self._labels = all_classes, labels
        if not np.isin(here, self.classes_).all():
            raise ValueError(f"y has classes that are not in classes: got {here}, expected {self.classes_}")
        if not labels and len(self.classes_) < 2:
            raise ValueError(
                f"a classifier needs at least two classes, but y has one class: {self.classes_[0]!r}"
            )
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            given = 1.0 if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
            sample_weight = by_class * given
        target: npt.NDArray[Any]
        if labels:
            target = np.ascontiguousarray(np.asarray(y), dtype=np.float32)
        else:
            target = np.searchsorted(self.classes_, y).astype(np.uint32)
        X, target, weights = self._weighted(X, target, sample_weight)
        if not labels and goes_on is False and len(np.unique(target)) < 2 and sample_weight is not None:
            raise ValueError(
                "sample_weight leaves samples of one class only: a classifier needs at least two classes"
            )
        if not goes_on:
            X, target, weights = self._as_one_batch(X, target, weights)
        own = {} if labels else {"label_smoothing": self._number("label_smoothing")}
        names = [str(name) for name in self.classes_]
        self.out_activation_ = "logistic" if labels else "softmax"
        self._train(X, target, weights, names, "labels" if labels else "classes", own, goes_on)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The probability of each class, or of each label: ``[samples, classes]``.

        Parameters
        ----------
        X : array-like of shape (samples, features)
            Numbers.

        Returns
        -------
        ndarray of shape (samples, classes)
            Of classes, each row sums to 1.
        """
        rows = self._rows(X)
        return self._network.answers(rows)

    def predict_log_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithm: npt.NDArray[np.float64] = np.log(self.predict_proba(X))
        return logarithm

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable class of each row of ``X``, or the labels that are more probable than not.

        Parameters
        ----------
        X : array-like of shape (samples, features)
            Numbers.

        Returns
        -------
        ndarray of shape (samples,) or (samples, labels)
            Of the type of ``y``; of labels 0 and 1.
        """
        probabilities = self.predict_proba(X)
        if self._labels:
            return (probabilities > 0.5).astype(np.int64)
        answers: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return answers


class MLPRegressor(RegressorMixin, _MLP):  # type: ignore[misc]
    """Multi-layer perceptron regressor, on any GPU or the CPU.

    It minimises the squared error, or Huber's, of targets that are standardised: each by its own mean and deviation.

    Parameters
    ----------
    loss : str, default="squared_error"
        Or "huber", in which outliers count less; "huber:0.5" has its corner at half a deviation.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate_init, max_iter, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, n_iter_no_change, device, schedule, \
warmup_epochs, dropout, clip_norm
        As of :class:`MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights ``[in, out]`` and biases of each layer; outputs are of standardised targets.
    target_mean_, target_deviation_ : ndarray
        What targets were standardised by.
    loss_curve_ : list of float
        The training loss of each epoch, of standardised targets.
    n_iter_, loss_, best_loss_, validation_loss_curve_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_
        As of :class:`MLPClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_mlp import MLPRegressor
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> reg = MLPRegressor(learning_rate_init=0.01, random_state=1, device="cpu").fit(X, X[:, 0] ** 2)
    >>> bool(reg.score(X, X[:, 0] ** 2) > 0.95)
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        device: str = "auto",
        schedule: str = "constant",
        warmup_epochs: float = 0.0,
        dropout: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.dropout = dropout
        self.clip_norm = clip_norm

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train on ``X`` ``[samples, features]`` and ``y`` ``[samples]`` or ``[samples, outputs]``.

        Parameters
        ----------
        X : array-like of shape (samples, features)
            Numbers; a DataFrame's column names are kept.
        y : array-like of shape (samples,) or (samples, outputs)
            Numbers.
        sample_weight : array-like of shape (samples,), optional
            What each sample counts in its batch; 0 leaves it out.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, goes_on=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch, and go on from the calls before with the same optimiser.

        Targets are standardised as in the first call.

        Parameters
        ----------
        X, y, sample_weight
            As of :meth:`fit`.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, goes_on=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, goes_on: bool) -> MLPRegressor:
        first = "_network" not in vars(self)
        reset = first or not goes_on
        X, y = validate_data(
            self, X, y, dtype=np.float32, order="C", multi_output=True, y_numeric=True, reset=reset
        )
        self._one_column = y.ndim == 1
        target = np.ascontiguousarray(y, dtype=np.float64).reshape(len(y), -1)
        X, target, weights = self._weighted(X, target, sample_weight)
        if not goes_on:
            X, target, weights = self._as_one_batch(X, target, weights)
        if reset and (first or not self.warm_start):
            self.target_mean_ = np.average(target, axis=0, weights=weights)
            variance = np.average((target - self.target_mean_) ** 2, axis=0, weights=weights)
            self.target_deviation_ = np.where(variance > 0, np.sqrt(variance), 1.0)
        if target.shape[1] != len(self.target_mean_):
            raise ValueError(f"y: expected {len(self.target_mean_)} columns as before, got {target.shape[1]}")
        scaled = np.ascontiguousarray((target - self.target_mean_) / self.target_deviation_, dtype=np.float32)
        outputs = {
            "numbers": {"mean": self.target_mean_.tolist(), "deviation": self.target_deviation_.tolist()}
        }
        names = [f"y{number}" for number in range(target.shape[1])]
        self.out_activation_ = "identity"
        self._train(X, scaled, weights, names, outputs, {"loss": self.loss.replace("_", "-")}, goes_on)
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """The numbers of each row of ``X``, in the unit of ``y``.

        Parameters
        ----------
        X : array-like of shape (samples, features)
            Numbers.

        Returns
        -------
        ndarray of shape (samples,) or (samples, outputs)
            As ``y`` was.
        """
        rows = self._rows(X)
        numbers = self._network.answers(rows)
        return numbers[:, 0] if self._one_column else numbers
