"""Writes the doctor's examples into web/app/public/examples: one batch of a tiny network for each, with NumPy and a fixed seed.

    python3 web/examples/make.py

`correct.npz` is right; each of the others has the one bug that it is named after. `gpu-mlp doctor FILE` names them all.
"""

import shutil
from pathlib import Path

import numpy as np

N, INPUTS, HIDDEN, CLASSES, LR = 37, 6, 8, 4, 0.1
HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "app" / "public" / "examples"


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def step(bug=None):
    """A step of stochastic gradient descent: every array of it, by name."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(N, INPUTS))
    y = rng.integers(CLASSES, size=N)
    W1 = rng.normal(size=(INPUTS, HIDDEN)) * np.sqrt(2 / INPUTS)
    W2 = rng.normal(size=(HIDDEN, CLASSES)) * np.sqrt(2 / HIDDEN)
    b1 = rng.normal(size=HIDDEN) * 0.1
    b2 = rng.normal(size=CLASSES) * 0.1

    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    p = softmax(z2, axis=None if bug == "softmax-over-the-batch" else 1)
    loss = -np.log(p[np.arange(N), y]).mean()

    dz2 = p - np.eye(CLASSES)[y]
    if bug != "no-mean":
        dz2 /= N
    dW2 = a1.T @ dz2
    db2 = dz2[-1] if bug == "bias-last-sample" else dz2.sum(axis=0)
    W2_new = W2 - LR * dW2
    da1 = dz2 @ (W2_new if bug == "updated-too-early" else W2).T
    dz1 = da1 if bug == "derivative-missing" else da1 * (z1 > 0)
    dW1 = X.T @ dz1
    db1 = dz1[-1] if bug == "bias-last-sample" else dz1.sum(axis=0)

    return {
        "X": X, "y": y, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "act": "relu", "lr": LR,
        "z1": z1, "a1": a1, "z2": z2, "p": p, "loss": loss,
        "dz2": dz2, "dW2": dW2, "db2": db2, "da1": da1, "dz1": dz1, "dW1": dW1, "db1": db1,
        "W1_new": W1 - LR * dW1, "b1_new": b1 - LR * db1, "W2_new": W2_new, "b2_new": b2 - LR * db2,
    }  # fmt: skip


BUGS = ["softmax-over-the-batch", "no-mean", "derivative-missing", "bias-last-sample", "updated-too-early"]

OUT.mkdir(parents=True, exist_ok=True)
np.savez_compressed(OUT / "correct.npz", **step())
for bug in BUGS:
    np.savez_compressed(OUT / f"{bug}.npz", **step(bug))
shutil.copy(HERE.parents[1] / "docs" / "question.npz", OUT)
