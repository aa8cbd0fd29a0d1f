"""``MLPClassifier`` and ``MLPRegressor``: scikit-learn's own checks, and what these do not ask."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from gpu_mlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_scikit_learns_own_checks_pass(kind, device):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(kind(device=device), on_fail=None, on_skip=None)
    failed = [
        (result["check_name"], result["exception"]) for result in results if result["status"] == "failed"
    ]
    assert not failed
    passed = sum(result["status"] == "passed" for result in results)
    print(f"{kind.__name__} on {device}: {passed} of {len(results)} checks passed")
    # The others do not concern it: no decision_function, no array API unless it is switched on.
    assert passed >= len(results) - 2 and passed > 50


def test_a_classifier_learns(device):
    X, y = load_digits(return_X_y=True)
    names = np.array(["zero one two three four five six seven eight nine".split()[digit] for digit in y])
    clf = make_pipeline(StandardScaler(), MLPClassifier(max_iter=60, random_state=1, device=device))
    clf.fit(X[:1200], names[:1200])
    assert clf.score(X[1200:], names[1200:]) > 0.9
    p = clf.predict_proba(X[1200:])
    assert p.shape == (597, 10) and np.allclose(p.sum(axis=1), 1)
    assert np.array_equal(clf.predict(X[1200:]), clf.classes_[p.argmax(axis=1)])
    assert np.allclose(np.exp(clf.predict_log_proba(X[:5])), clf.predict_proba(X[:5]))


def test_a_regressor_learns_targets_in_their_own_unit(device):
    X, y = load_diabetes(return_X_y=True)
    two = np.column_stack([y, 1e6 - 3e4 * y])
    reg = make_pipeline(StandardScaler(), MLPRegressor(max_iter=50, random_state=1, device=device)).fit(
        X, two
    )
    assert reg.score(X, two) > 0.4 and reg.predict(X).shape == (442, 2)
    assert make_pipeline(StandardScaler(), MLPRegressor(loss="huber", device=device)).fit(X, y).predict(
        X
    ).shape == (442,)


def test_labels_are_predicted_each_on_its_own(device):
    X, y = make_multilabel_classification(400, n_features=10, n_classes=4, random_state=1)
    clf = MLPClassifier(learning_rate_init=0.01, max_iter=100, random_state=1, device=device).fit(X, y)
    assert clf.predict(X).shape == y.shape and (clf.predict(X) == y).mean() > 0.85
    assert clf.out_activation_ == "logistic"
    assert not np.allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_the_forward_pass_is_that_of_the_weights():
    X, y = IRIS
    clf = MLPClassifier((7, 5), "tanh", max_iter=30, random_state=1, device="cpu").fit(X, y)
    a = X
    for w, b in zip(clf.coefs_[:-1], clf.intercepts_[:-1], strict=True):
        a = np.tanh(a @ w + b)
    z = a @ clf.coefs_[-1] + clf.intercepts_[-1]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(p, clf.predict_proba(X), atol=1e-5)
    assert [w.shape for w in clf.coefs_] == [(4, 7), (7, 5), (5, 3)]
    with pytest.raises(ValueError, match="read-only"):
        clf.coefs_[0][0, 0] = 1
    # One row alone and among others.
    assert np.allclose(clf.predict_proba(X[3:4]), clf.predict_proba(X)[3], atol=1e-6)


def test_the_same_seed_gives_the_same_bits():
    X, y = IRIS
    fitted = [MLPClassifier(max_iter=20, random_state=seed, device="cpu").fit(X, y) for seed in (1, 1, 2)]
    assert np.array_equal(fitted[0].coefs_[0], fitted[1].coefs_[0])
    assert not np.array_equal(fitted[0].coefs_[0], fitted[2].coefs_[0])
    assert (
        fitted[0].loss_curve_ == fitted[1].loss_curve_
        and len(fitted[0].loss_curve_) == fitted[0].n_iter_ == 20
    )


def test_it_ends_once_the_loss_stands_still_and_says_if_it_does_not():
    X, y = IRIS
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        MLPClassifier(max_iter=3, device="cpu").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = MLPClassifier(
            max_iter=500, learning_rate_init=0.05, tol=1e-3, random_state=1, device="cpu"
        ).fit(X, y)
    assert clf.n_iter_ < 500
    curve = np.array(clf.loss_curve_)
    fell = [loss <= curve[:number].min() - 1e-3 for number, loss in enumerate(curve) if number]
    assert not any(fell[-11:]) and fell[-12]


def test_early_stopping_keeps_the_best_weights():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(
        learning_rate_init=0.01,
        early_stopping=True,
        n_iter_no_change=5,
        max_iter=300,
        random_state=1,
        device="cpu",
    ).fit(X[:600] / 16, y[:600])
    curve = clf.validation_loss_curve_
    assert len(curve) == clf.n_iter_ < 300 and np.argmin(curve) == len(curve) - 6
    assert clf.best_loss_ is None
    with pytest.raises(ValueError, match="validation_fraction"):
        MLPClassifier(early_stopping=True, validation_fraction=1.5, device="cpu").fit(X, y)


def test_partial_fit_goes_on_with_the_same_optimiser():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    clf = MLPClassifier(random_state=1, device="cpu")
    for _ in range(30):
        clf.partial_fit(X[:1000], y[:1000], classes=np.arange(10))
    assert clf.score(X[1000:], y[1000:]) > 0.85 and clf.n_iter_ == 30 and clf.t_ == 30_000
    again = pickle.loads(pickle.dumps(clf))
    for one in (clf, again):
        one.partial_fit(X[:500], y[:500])
    assert np.array_equal(clf.coefs_[0], again.coefs_[0])
    with pytest.raises(ValueError, match="not in classes|does not know"):
        clf.partial_fit(X[:2], [3, 11])
    with pytest.raises(ValueError, match="has to name all classes"):
        MLPClassifier(device="cpu").partial_fit(X, y)
    with pytest.raises(ValueError, match="early_stopping=False"):
        MLPClassifier(early_stopping=True, device="cpu").partial_fit(X, y, classes=np.arange(10))
    reg = MLPRegressor(random_state=1, device="cpu")
    for _ in range(60):
        reg.partial_fit(X, y)
    assert reg.score(X, y) > 0.7


def test_warm_start_begins_with_the_weights_that_are_there():
    X, y = IRIS
    clf = MLPClassifier(max_iter=50, warm_start=True, random_state=1, device="cpu").fit(X, y)
    first = clf.loss_
    assert clf.fit(X, y).loss_curve_[0] < 1.2 * first
    assert clf.set_params(warm_start=False).fit(X, y).loss_curve_[0] > 2 * first


def test_weights_of_samples_and_classes_count():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(1000, 2)), rng.integers(0, 2, 1000)
    of = lambda weights, **how: (
        MLPClassifier(max_iter=20, random_state=1, device="cpu", **how).fit(X, y, weights).predict(X).mean()
    )
    assert of(np.where(y == 1, 20.0, 1.0)) > 0.99 and of(np.where(y == 0, 20.0, 1.0)) < 0.01
    assert of(None, class_weight={0: 1, 1: 20}) > 0.99
    rare = np.where(rng.random(1000) < 0.9, 0, y)
    assert (
        MLPClassifier(max_iter=20, device="cpu", class_weight="balanced").fit(X, rare).predict(X).mean() > 0.2
    )
    reg = MLPRegressor(max_iter=300, random_state=1, device="cpu")
    ends = reg.fit(X, y, np.where(y == 1, 1e-3, 1.0)).predict(X)
    assert ends.mean() < 0.1
    for weights, words in (
        (-np.ones(1000), "negative"),
        (np.zeros(1000), "zero"),
        (np.ones(3), "sample"),
    ):
        with pytest.raises(ValueError, match=words):
            reg.fit(X, y, weights)


@pytest.mark.parametrize(
    "how",
    [
        dict(schedule="cosine"), dict(schedule="step"), dict(schedule="one-cycle", solver="sgd", learning_rate_init=0.1),
        dict(dropout=0.2), dict(clip_norm=1.0), dict(label_smoothing=0.1), dict(warmup_epochs=2.0), dict(solver="adamw"),
        dict(solver="sgd", learning_rate_init=0.1), dict(activation=["gelu", "silu"], hidden_layer_sizes=[20, 10]),
        dict(hidden_layer_sizes=()), dict(hidden_layer_sizes=12), dict(activation="logistic"), dict(batch_size=16),
    ],
)  # fmt: skip
def test_every_option_trains(how, device):
    X, y = IRIS
    X = StandardScaler().fit_transform(X)
    how = dict(learning_rate_init=0.02, max_iter=60, random_state=1) | how
    assert MLPClassifier(device=device, **how).fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (dict(solver="lbfgs"), "solver: expected one of adam, adamw, sgd, got 'lbfgs' .there is no lbfgs here"),
        (dict(activation="swishy"), "swishy"),
        (dict(hidden_layer_sizes=(0,)), "hidden_layer_sizes: expected whole numbers of 1 or more"),
        (dict(hidden_layer_sizes=(1.5,)), "hidden_layer_sizes"),
        (dict(batch_size=0), "batch_size"),
        (dict(max_iter=0), "max_iter"),
        (dict(dropout=1.0), "dropout=1.*expected a number from 0 to less than 1|dropout"),
        (dict(learning_rate_init=-1.0), "lr"),
        (dict(alpha=float("nan")), "alpha: expected a finite number, got nan"),
        (dict(alpha="much"), "alpha: expected a finite number, got .much."),
        (dict(schedule="zigzag"), "zigzag"),
        (dict(n_iter_no_change=0), "n_iter_no_change"),
        (dict(label_smoothing=2.0), "label_smoothing"),
        (dict(device="no such adapter"), "no such adapter"),
        (dict(device="vulkan:no such adapter"), "no such adapter"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(how, words):
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**how).fit(*IRIS)


def test_a_training_that_diverges_says_so():
    X, y = IRIS
    with pytest.raises(RuntimeError, match="diverged"):
        MLPRegressor(solver="sgd", learning_rate_init=1e6, device="cpu").fit(X, y)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1.0], [np.nan]], [0, 1]),
        ([[1.0], [np.inf]], [0, 1]),
        ([[1e39], [1.0]], [0, 1]),
        ([[1.0], [2.0]], [0, 1, 1]),
        ([["a"], ["b"]], [0, 1]),
        (np.array([[None], [1]], dtype=object), [0, 1]),
        ([[1.0], [2.0]], [1, 1]),
        (np.zeros((2, 0)), [0, 1]),
        (np.zeros((2, 2, 2)), [0, 1]),
    ],
)
def test_bad_data_are_refused(X, y):
    with pytest.raises(ValueError):
        MLPClassifier(device="cpu").fit(X, y)


def test_predict_refuses_what_fit_would():
    clf = MLPClassifier(max_iter=5, device="cpu").fit(*IRIS)
    for X in ([[1.0, 2.0]], [[1.0, 2.0, 3.0, np.nan]], np.full((1, 4), 1e39), np.zeros((0, 4)), np.zeros(4)):
        with pytest.raises(ValueError):
            clf.predict(X)
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), method)(IRIS[0])
    assert not hasattr(MLPClassifier(), "coefs_")


def test_data_frames_keep_their_names():
    pandas = pytest.importorskip("pandas")
    X, y = IRIS
    frame = pandas.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
    clf = MLPClassifier(max_iter=20, random_state=1, device="cpu").fit(frame, pandas.Series(y))
    assert clf.feature_names_in_.tolist() == ["sl", "sw", "pl", "pw"]
    plain = MLPClassifier(max_iter=20, random_state=1, device="cpu").fit(X, y)
    assert np.array_equal(clf.predict_proba(frame), plain.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["sw", "sl", "pl", "pw"]])
    with pytest.warns(UserWarning, match="valid feature names"):
        clf.predict(X)


def test_memory_may_lie_in_any_order():
    X, y = IRIS
    clf = MLPClassifier(max_iter=20, random_state=1, device="cpu").fit(X, y)
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], X.astype(">f8"), X[:, ::-1][:, ::-1]):
        assert np.array_equal(clf.predict_proba(other), clf.predict_proba(X))
    frozen = X.copy()
    frozen.flags.writeable = False
    assert np.array_equal(clf.fit(frozen, y).predict(frozen), clf.predict(X))


def test_pickles_and_clones():
    X, y = IRIS
    clf = MLPClassifier(max_iter=20, random_state=1, device="cpu").fit(X, y)
    again = pickle.loads(pickle.dumps(clf))
    assert (
        np.array_equal(again.predict_proba(X), clf.predict_proba(X)) and again.loss_curve_ == clf.loss_curve_
    )
    assert not hasattr(clone(clf), "coefs_") and clone(clf).get_params() == clf.get_params()


def test_it_works_where_scikit_learn_puts_estimators():
    X, y = IRIS
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(max_iter=30, random_state=1, device="cpu")),
        {
            "mlpclassifier__learning_rate_init": [0.001, 0.02],
            "mlpclassifier__hidden_layer_sizes": [(10,), (20, 10)],
        },
        n_jobs=2,
    )
    assert search.fit(X, y).best_score_ > 0.9
    assert cross_val_score(MLPRegressor(max_iter=50, device="cpu"), X, y, cv=3).shape == (3,)


def test_many_estimators_share_a_device(device):
    X, y = IRIS
    fitted = [MLPClassifier(max_iter=3, random_state=seed, device=device).fit(X, y) for seed in range(12)]
    alone = [clf.predict_proba(X) for clf in fitted]
    said: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda k=k: said.update({k: fitted[k].predict_proba(X)})) for k in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(said[k], alone[k]) for k in range(12))


def test_python_goes_on_while_the_device_works():
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier((300, 100), max_iter=40, tol=0, device="cpu")
    worker = threading.Thread(target=clf.fit, args=(X, y))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    worker.join()
    assert turns > 5 and clf.n_iter_ == 40


def test_one_row_is_answered_in_a_tenth_of_a_millisecond():
    X, y = IRIS
    clf = MLPClassifier(max_iter=5, device="cpu").fit(X, y)
    row, taken = X[:1], []
    for _ in range(300):
        begun = time.perf_counter()
        clf.predict(row)
        taken.append(time.perf_counter() - begun)
    assert np.median(taken) < 100e-6


def run(code: str, **how) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **how)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_fork_trains_and_answers():
    code = """
import os, warnings; warnings.simplefilter("ignore")
from sklearn.datasets import load_digits
from gpu_mlp import MLPClassifier
X, y = load_digits(return_X_y=True)
clf = MLPClassifier(max_iter=5, device="cpu").fit(X, y)
before = clf.predict(X)
pid = os.fork()
if pid == 0:
    same = (clf.predict(X) == before).all()
    MLPClassifier(max_iter=5, device="cpu").fit(X, y)
    os._exit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), (clf.predict(X) == before).all())
"""
    assert run(code).stdout == "0 True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_fork_is_told_that_a_gpu_does_not_come_along(device):
    if device == "cpu":
        pytest.skip("the CPU comes along")
    code = f"""
import os, warnings; warnings.simplefilter("ignore")
from sklearn.datasets import load_iris
from gpu_mlp import MLPClassifier
X, y = load_iris(return_X_y=True)
clf = MLPClassifier(max_iter=2, device="{device}").fit(X, y)
clf.predict(X)
pid = os.fork()
if pid == 0:
    for ask in (lambda: clf.predict(X), lambda: clf.fit(X, y)):
        try:
            ask()
            os._exit(3)
        except ValueError as error:
            if "before os.fork()" not in str(error):
                os._exit(4)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(clf.predict(X)))
"""
    out = run(code)
    assert out.stdout == "0 150\n", out.stderr


def test_ctrl_c_ends_a_training():
    code = """
import time
from sklearn.datasets import load_digits
from gpu_mlp import MLPClassifier
X, y = load_digits(return_X_y=True)
print("ready", flush=True)
try:
    MLPClassifier((500, 500), max_iter=10**6, tol=-1.0, n_iter_no_change=10**6, device="cpu").fit(X, y)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    begun = time.perf_counter()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert time.perf_counter() - begun < 5
