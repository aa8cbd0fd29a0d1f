"""The same training on both sides, for scripts/compare-sklearn and scripts/compare-tables."""

import json
import subprocess

from sklearn.neural_network import MLPClassifier, MLPRegressor


def train(program, folder, labels, regression, hidden, lr, batch, epochs, seed, *more):
    """Trains gpu-mlp on train.csv and test.csv of a folder; the process when it has ended, and R² or accuracy on the test set, if there is one."""
    command = [
        program, "train", "--backend", "cpu", "--data", folder / "train.csv", "--test-data", folder / "test.csv", "--label-column", labels,
        "--optimizer", "adam", "--lr", str(lr), "--hidden", str(hidden or ""), "--batch-size", str(batch), "--epochs", str(epochs),
        "--seed", str(seed), "--json", "--quiet", "--out", folder / "run", "--overwrite", *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    measure = "test_r2" if regression else "test_accuracy"
    return done, json.loads(done.stdout.splitlines()[-1]).get(measure) if done.returncode == 0 else None


def mlp(regression, hidden, lr, batch, epochs, seed):
    """scikit-learn's network, without weight decay, and with all of its epochs."""
    kind = MLPRegressor if regression else MLPClassifier
    return kind(hidden_layer_sizes=(hidden,) if hidden else (), learning_rate_init=lr, batch_size=batch, max_iter=epochs, random_state=seed,
                alpha=0.0, tol=0.0, n_iter_no_change=epochs + 1)
