"""``gpu_mlp.doctor``: what it takes, what it says, and what it refuses."""

import subprocess
import sys

import numpy as np
import pytest
import question

import gpu_mlp

ALL_THREE = {"softmax-whole-batch", "softmax-jacobian", "bias-last-sample-scalar"}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def step(seed=1, wrong=lambda dW2: dW2):
    """A step of a network of two layers; ``wrong`` changes dW2."""
    rng = np.random.default_rng(seed)
    X, labels = rng.normal(size=(37, 6)), rng.integers(0, 4, 37)
    W1, b1 = rng.normal(size=(6, 5)), rng.normal(size=5)
    W2, b2 = rng.normal(size=(5, 4)), rng.normal(size=4)
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    p = softmax(a1 @ W2 + b2)
    dz2 = (p - np.eye(4)[labels]) / 37
    dz1 = dz2 @ W2.T * (z1 > 0)
    return dict(
        X=X, y=labels, W1=W1, b1=b1, W2=W2, b2=b2, z1=z1, a1=a1, p=p, dz2=dz2,
        dW2=wrong(a1.T @ dz2), db2=dz2.sum(axis=0), dz1=dz1, dW1=X.T @ dz1, db1=dz1.sum(axis=0),
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_question_is_answered_from_its_locals(seed):
    reports = []
    network = question.NeuralNetwork(20, 12, 9, 10, 0.1, seed)
    features, targets = question.batch()
    network.evaluate(features, targets)
    network.train(features, targets, lambda variables: reports.append(gpu_mlp.doctor(variables)))
    report = reports[0]
    assert set(report.bugs) == ALL_THREE
    assert report.verdict == "bugs" and report.first_mismatch == "loss"
    assert any("left out" in note and "`look`" in note for note in report.notes)


def test_a_function_is_watched_without_a_line_in_it(capsys):
    features, targets = question.batch()
    network = question.NeuralNetwork(20, 12, 9, 10, 0.1)
    network.evaluate(features, targets)
    with gpu_mlp.doctor.watch(after="NeuralNetwork.train") as watch:
        network.train(features, targets)
        first = network.weights_i_to_h1.copy()
        network.train(features, targets)
    # The step has changed the weights: those from before count.
    assert set(watch.report.bugs) == ALL_THREE
    assert not np.array_equal(first, network.weights_i_to_h1)
    assert capsys.readouterr().out.startswith("First wrong: loss - softmax-whole-batch")
    assert sys.getprofile() is None


def test_a_decorated_function_is_examined_once():
    calls = []

    @gpu_mlp.doctor.watch(show=False)
    def forward(X, y, W1, b1):
        """Of one layer."""
        z1 = X @ W1 + b1
        p = np.exp(z1) / np.exp(z1).sum()
        calls.append(p)
        return p

    rng = np.random.default_rng(1)
    X, y, W1, b1 = rng.normal(size=(9, 4)), rng.integers(0, 3, 9), rng.normal(size=(4, 3)), np.zeros(3)
    assert forward.report is None
    forward(X, y, W1, b1)
    first = forward.report
    forward(X, y, W1, b1)
    assert forward.report is first and len(calls) == 2
    assert first.bugs == ["softmax-whole-batch"] and forward.__doc__ == "Of one layer."


def test_a_watch_says_that_nothing_was_called():
    with pytest.raises(ValueError, match="no function `train` was called"):
        with gpu_mlp.doctor.watch(after="train"):
            pass
    with pytest.raises(ValueError, match="say which function"):
        with gpu_mlp.doctor.watch():
            pass
    assert sys.getprofile() is None


def divide(a, b):
    return a / b


def test_an_error_in_a_watched_function_comes_out():
    with pytest.raises(ZeroDivisionError):
        with gpu_mlp.doctor.watch(after="divide"):
            divide(1, 0)
    assert sys.getprofile() is None


def test_right_arrays_are_clean_and_true():
    report = gpu_mlp.doctor(step())
    assert report and report.verdict == "clean" and report.first_mismatch is None and report.findings == []
    assert str(report).startswith("Clean: all ")


def test_a_report_is_what_the_program_prints(tmp_path):
    arrays = step(wrong=lambda dW2: 37 * dW2)
    np.savez(tmp_path / "mine.npz", **arrays)
    report, of_file = gpu_mlp.doctor(arrays), gpu_mlp.doctor(tmp_path / "mine.npz")
    assert not report and report.first_mismatch == "dW2"
    assert str(report) == str(of_file) and report.to_dict() == of_file.to_dict()
    page = report._repr_html_()
    assert "First wrong: dW2" in page
    shown, _, folded = page.partition("<details>")
    assert "residual" in shown and "Checked\n" not in shown and "Checked\n" in folded
    assert "<script>" not in gpu_mlp.Report("<script>", {"verdict": "clean"})._repr_html_()
    assert repr(report).startswith("<gpu_mlp.Report bugs: ")


def test_nested_dicts_and_lists_hold_arrays():
    flat = step()
    nested = {
        "data": {"X": flat["X"], "y": flat["y"].tolist()},
        "W": [flat["W1"], flat["W2"]],
        "b": [flat["b1"], flat["b2"]],
        "p": flat["p"].tolist(),
    }
    report = gpu_mlp.doctor(nested)
    assert report and {c["tensor"] for c in report.checked if c["status"] == "ok"} >= {"p"}
    assert gpu_mlp.doctor(list(flat.values())).verdict == "clean"


def test_precisions_and_orders_of_memory_do_not_matter():
    single = {key: np.asfortranarray(np.asarray(value, dtype=np.float32)) for key, value in step().items()}
    assert gpu_mlp.doctor(single)
    strided = {key: np.repeat(value, 2, axis=0)[::2] for key, value in step().items()}
    assert gpu_mlp.doctor(strided)


def test_what_looks_like_a_tensor_is_one():
    class Tensor:
        """As PyTorch's."""

        def __init__(self, array):
            self.array = array

        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return self.array

    class Jax:
        """As JAX's."""

        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

    for kind in (Tensor, Jax):
        report = gpu_mlp.doctor({key: kind(value) for key, value in step().items()})
        assert report.verdict == "clean", kind


def test_options_say_what_names_do_not():
    arrays = step()
    arrays["unit_a"], arrays["unit_b"] = arrays.pop("W1"), arrays.pop("b1")
    assert gpu_mlp.doctor(arrays, map={"unit_a": "W1", "unit_b": "b1"}, act="relu").verdict == "clean"
    report = gpu_mlp.doctor(step(wrong=lambda dW2: dW2 * 1.5), language="julia")
    assert "X'" in str(report) or "a1'" in str(report)
    assert gpu_mlp.doctor(step(wrong=lambda dW2: dW2 * (1 + 1e-6))).verdict != "clean"
    assert gpu_mlp.doctor(step(wrong=lambda dW2: dW2 * (1 + 1e-6)), tolerance=1e-3).verdict == "clean"


@pytest.mark.parametrize(
    ("arrays", "how", "words"),
    [
        ({}, {}, "the arrays: "),
        ({"W1": np.eye(3)}, {}, "hint"),
        (5, {}, "expected a dict of arrays, a list of arrays or a path, got int"),
        ("nowhere.npz", {}, "nowhere.npz"),
        (step(), {"act": "swishy"}, "act must be one of relu, "),
        (step(), {"tolerance": -1.0}, "tolerance must lie between 0 and 1, got -1"),
        (step(), {"language": "cobol"}, "language must be one of numpy, .*got `cobol`"),
        (step(), {"map": {"nothing": "W1"}}, "nothing"),
        ({"X": np.array([[None, {}]], dtype=object)}, {}, "the arrays: "),
    ],
)  # fmt: skip
def test_what_cannot_be_examined_is_refused_in_words(arrays, how, words):
    with pytest.raises(ValueError, match=words):
        gpu_mlp.doctor(arrays, **how)


def test_odd_arrays_never_end_the_interpreter():
    rng = np.random.default_rng(1)
    odd = [np.zeros((0, 3)), np.array(np.nan), np.full((3, 3), np.inf), np.zeros((2, 2, 2, 2)), np.array("a"), np.array([True]),
           np.array([1 + 2j]), np.zeros(3, dtype=[("a", float)]), np.array(["1", "2"]), object(), [[1], [2, 3]], range(3)]  # fmt: skip
    for _ in range(100):
        arrays = step()
        for key in rng.choice(list(arrays), 3, replace=False):
            arrays[key] = odd[rng.integers(len(odd))]
        try:
            str(gpu_mlp.doctor(arrays))
        except ValueError as error:
            assert str(error)


def test_a_dict_takes_no_longer_than_its_file(tmp_path):
    """With five milliseconds to spare, and the better of several turns each."""
    import time

    arrays = step(wrong=lambda dW2: 37 * dW2)
    np.savez(tmp_path / "mine.npz", **arrays)
    taken = {"dict": [], "file": []}
    for _ in range(10):
        for name, given in (("dict", arrays), ("file", tmp_path / "mine.npz")):
            begun = time.perf_counter()
            gpu_mlp.doctor(given)
            taken[name].append(time.perf_counter() - begun)
    assert min(taken["dict"]) <= min(taken["file"]) + 0.005


def test_scikit_learn_is_not_needed_for_the_doctor():
    code = (
        "import sys; sys.modules['sklearn'] = None; import gpu_mlp; print(gpu_mlp.doctor.__class__.__name__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "Doctor\n"
