"""Runs, models, and other libraries."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import gpu_mlp
from gpu_mlp import _native

program = pytest.mark.skipif(not hasattr(_native, "program"), reason="this build has no program inside")


def blobs(seed=1, rows=300):
    """Three classes in five dimensions, whose columns have units of their own."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, rows)
    X = rng.normal(size=(rows, 5)) + 3 * np.eye(3, 5)[y]
    return X * [1, 10, 1000, 1, 0.01] + [0, 5, -2000, 0, 0], np.array(["ash", "beech", "oak"])[y]


HOW = dict(hidden=[16], optimizer="adam", lr=0.01, epochs=20, backend="cpu", progress=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    X, y = blobs()
    events = []
    model = gpu_mlp.train(
        (X, y), out=tmp_path_factory.mktemp("runs") / "mine", callbacks=events.append, **HOW
    )
    return model, events


@program
def test_a_run_is_trained_kept_and_loaded(run):
    model, events = run
    assert [event["epoch"] for event in events] == list(range(1, 21))
    assert model.names == ["ash", "beech", "oak"] and model.task == "classes"
    X, y = blobs(2)
    assert (model.predict(X) == y).mean() > 0.85
    again = gpu_mlp.load(model.path)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert {path.name for path in model.path.iterdir()} >= {
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
    }
    out = subprocess.run(
        [sys.executable, "-m", "gpu_mlp", "eval", model.path], capture_output=True, text=True, check=True
    )
    assert "accuracy" in out.stdout


@program
def test_the_answers_are_the_programs(run, tmp_path):
    model, _ = run
    X, _ = blobs(2)
    np.save(tmp_path / "rows.npy", X)
    assert np.allclose(model.predict_proba(X), model.predict_proba(tmp_path / "rows.npy"), atol=1e-6)
    out = subprocess.run(
        [sys.executable, "-m", "gpu_mlp", "predict", model.path, tmp_path / "rows.npy"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in out.stdout.splitlines() if line.strip()]
    assert all(name in line for name, line in zip(model.predict(X), said, strict=True))


@program
def test_a_table_of_words_is_learnt_and_answered(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    table = pandas.DataFrame(
        {"size": rng.normal(50, 10, 300), "colour": rng.choice(["red", "green", "blue"], 300)}
    )
    table["kind"] = np.where(table["colour"] == "red", "apple", np.where(table["size"] > 50, "plum", "pear"))
    model = gpu_mlp.train(table, out=tmp_path / "run", label_column="kind", **HOW)
    rows = table.drop(columns="kind")
    assert (model.predict(rows) == table["kind"]).mean() > 0.9
    assert np.array_equal(model.predict(rows), model.predict(rows[["colour", "size"]]))


@program
def test_an_ensemble_answers_with_the_mean(tmp_path):
    X, y = blobs()
    model = gpu_mlp.train((X, y), out=tmp_path / "run", ensemble=3, **HOW)
    assert "3 members" in repr(model) and (model.predict(X) == y).mean() > 0.85
    with pytest.raises(ValueError, match="ensemble"):
        model.save(tmp_path / "x.npz")
    assert model.to_onnx(tmp_path / "x.onnx").stat().st_size > 100


@program
def test_numbers_keep_their_unit(tmp_path):
    X, _ = blobs()
    y = 1e4 + 3 * X[:, 2]
    model = gpu_mlp.train((X, y), out=tmp_path / "run", **(HOW | dict(epochs=60)))
    assert model.task == "numbers" and np.corrcoef(model.predict(X), y)[0, 1] > 0.99
    with pytest.raises(ValueError, match="no probabilities"):
        model.predict_proba(X)


@program
def test_what_the_program_refuses_is_an_error_in_its_words(tmp_path):
    with pytest.raises(ValueError, match="unexpected argument '--hiden'|--hidden"):
        gpu_mlp.train("digits", hiden=[3], out=tmp_path / "run")
    with pytest.raises(ValueError, match="nowhere.csv"):
        gpu_mlp.train(tmp_path / "nowhere.csv", out=tmp_path / "run")
    with pytest.raises(ValueError, match="expected a name, a path, a DataFrame or .X, y."):
        gpu_mlp.train(5, out=tmp_path / "run")
    with pytest.raises(RuntimeError, match="diverged"):
        gpu_mlp.train(
            blobs(), out=tmp_path / "run", lr=1e8, momentum=0.99, epochs=50, backend="cpu", progress=False
        )
    with pytest.raises(ValueError, match="no bug|bug"):
        gpu_mlp.replay("no-such-bug")


@program
def test_an_error_in_a_callback_ends_the_run(tmp_path):
    def callback(event):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        gpu_mlp.train(blobs(), out=tmp_path / "run", callbacks=[callback], **(HOW | dict(epochs=10**6)))


@program
@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent by signals")
def test_ctrl_c_saves_the_run_which_goes_on(tmp_path):
    code = f"""
import gpu_mlp
print("ready", flush=True)
try:
    gpu_mlp.train("digits", out={str(tmp_path / "run")!r}, epochs=10**5, backend="cpu", progress=False, callbacks=lambda e: print(e["epoch"], flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n" and process.stdout.readline() == "1\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0].endswith("interrupted\n")
    epochs = sum('"event":"epoch"' in line for line in (tmp_path / "run" / "metrics.jsonl").open())
    model = gpu_mlp.train(resume=tmp_path / "run", epochs=epochs + 2, progress=False)
    assert sum('"event":"epoch"' in line for line in (model.path / "metrics.jsonl").open()) == epochs + 2


@program
def test_a_bug_is_replayed_and_drawn():
    pytest.importorskip("matplotlib")
    replay = gpu_mlp.replay("softmax-jacobian", data="digits", epochs=1, hidden=[16])
    assert len(replay.curves) == 2
    assert len(replay.plot().axes) == 3 and replay._repr_png_().startswith(b"\x89PNG")


def test_scikit_learns_networks_are_taken():
    neural = pytest.importorskip("sklearn.neural_network")
    from sklearn.datasets import make_multilabel_classification
    from sklearn.exceptions import ConvergenceWarning

    X, y = blobs()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    labels = make_multilabel_classification(200, n_features=5, n_classes=3, random_state=1)
    with pytest.warns(ConvergenceWarning):
        cases = [
            neural.MLPClassifier((8, 6), "tanh", max_iter=30).fit(X, y),
            neural.MLPClassifier((8,), "logistic", max_iter=30).fit(X, y == "oak"),
            neural.MLPClassifier((8,), max_iter=30).fit(*labels),
        ]
        reg = neural.MLPRegressor(hidden_layer_sizes=(8,), max_iter=30).fit(X, X[:, :2])
    for theirs in cases:
        rows = labels[0] if theirs is cases[2] else X
        ours = gpu_mlp.from_sklearn(theirs)
        assert np.allclose(ours.predict_proba(rows), theirs.predict_proba(rows), atol=1e-5)
        assert np.array_equal(ours.predict(rows), theirs.predict(rows).astype(ours.predict(rows).dtype))
    assert np.allclose(gpu_mlp.from_sklearn(reg).predict(X), reg.predict(X), atol=1e-4)


@program
def test_pytorch_computes_the_same(run):
    torch = pytest.importorskip("torch")
    model, _ = run
    X, _ = blobs(2)
    module = model.to_torch()
    p = torch.softmax(module(torch.from_numpy(X.astype(np.float32))), dim=1).detach().numpy()
    assert np.allclose(p, model.predict_proba(X), atol=1e-4)
    again = gpu_mlp.from_torch(module, names=model.names)
    assert np.allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-4)
    assert again.activations == ["relu"]
    with pytest.raises(ValueError, match="Conv1d"):
        gpu_mlp.from_torch(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Conv1d(1, 1, 1)))


@program
def test_rows_that_do_not_fit_are_refused(run):
    model, _ = run
    for X, words in [
        (np.zeros((2, 4)), r"expected shape \[2, 5\], got \[2, 4\]"),
        (np.zeros(5), "expected rows"),
        ([["a"] * 5], "expected numbers|a: "),
        (np.full((1, 5), np.nan), "missing or infinite"),
    ]:
        with pytest.raises(ValueError, match=words):
            model.predict(X)
    with pytest.raises(ValueError):
        gpu_mlp.load("nowhere")


def test_the_devices_are_listed():
    first, *others = gpu_mlp.devices()
    assert first["backend"] == "cpu" and all(
        {"backend", "adapter", "device_type"} <= set(device) for device in others
    )
