"""What every Python peer does alike: the data, the network, the clock, the line of JSON.

The work: layers 784-300-75-10, ReLU, softmax with mean cross-entropy, plain SGD with learning rate 0.1, float32, a fresh
shuffle of all samples every epoch, the last small batch included. The time is training alone: loading, compiling and
evaluating are outside it.

Import this first: it sets the number of threads, which the libraries read when they are loaded.
"""
import argparse
import gzip
import json
import os
import time
from importlib.metadata import version
from pathlib import Path

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", type=Path, required=True, help="folder of MNIST's four IDX files, plain or .gz")
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--epochs", type=int, default=3, help="epochs to measure")
parser.add_argument("--seconds", type=float, default=4, help="measure fewer epochs, or a part of one, if they take longer")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--backend", default="cpu")
parser.add_argument("--mode", default="eager", help="eager, compile or graph (PyTorch)")
parser.add_argument("--precision", default="highest", help="highest is true float32; high allows TF32")
parser.add_argument("--layers", default="784,300,75,10")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--networks", type=int, default=1, help="train so many, with this seed and those that follow (JAX)")
options = parser.parse_args()
layers = [int(size) for size in options.layers.split(",")]
rate = 0.1
for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ[f"{name}_NUM_THREADS"] = str(options.threads)

import numpy as np
from runner import later


def idx(name, header):
    path = options.data / name
    content = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
    return np.frombuffer(content, np.uint8)[header:]


def data(part):
    """Pixels from 0 to 1 as float32 [samples, 784], and labels as int32, of "train" or "t10k"."""
    pixels = idx(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784)
    return pixels.astype(np.float32) / np.float32(255), idx(f"{part}-labels-idx1-ubyte", 8).astype(np.int32)


def initial(seed=options.seed):
    """He et al. 2015: normal weights [inputs, outputs] of variance 2 / inputs, zero biases; one pair a layer."""
    random = np.random.default_rng(seed)
    return [((random.standard_normal((i, o)) * np.sqrt(2 / i)).astype(np.float32), np.zeros(o, np.float32))
            for i, o in zip(layers, layers[1:])]


def evaluate(parameters):
    """Mean cross-entropy and accuracy on the test set: the same code for all, on whatever they learnt."""
    a, labels = data("t10k")
    for k, (w, b) in enumerate(parameters):
        a = a @ np.asarray(w) + np.asarray(b)
        a = np.maximum(a, 0) if k + 1 < len(parameters) else a.astype(np.float64)
    a -= a.max(axis=1, keepdims=True)
    loss = (np.log(np.exp(a).sum(axis=1)) - a[np.arange(len(a)), labels]).mean()
    return float(loss), float((a.argmax(axis=1) == labels).mean())


def measure(package, backend, samples, train, parameters, prepare=lambda count: None, warm=None):
    """Warms up, measures, and prints the line.

    train(count) shuffles, trains on the first `count` samples of the shuffle, and returns when that is done: each network, if
    there are several; prepare(count) compiles for it; parameters() gives pairs of weights [inputs, outputs] and biases, or of
    several networks a list of such; warm is how many samples a round of warming up takes, if not a few batches.
    """
    batch = min(options.batch, samples)
    begin = time.perf_counter()
    warm = warm or min(3 * batch + samples % batch, samples)  # whole batches and the small last one
    prepare(warm)
    for _ in range(3):
        expected = seconds_of(train, warm) / warm
    affordable = int(options.seconds / expected)
    count = samples if affordable >= samples else max(affordable // batch, 1) * batch
    prepare(count)
    warm_up = time.perf_counter() - begin
    epochs = [seconds_of(train, count)]
    while count == samples and len(epochs) < options.epochs and sum(epochs) < options.seconds:
        epochs.append(seconds_of(train, count))
    networks = options.networks
    scores = [evaluate(network) for network in ([parameters()] if networks == 1 else parameters())]
    loss, accuracy = (float(np.mean(score)) for score in zip(*scores))
    print(json.dumps({
        "peer": package, "version": version(package), "backend": backend, "threads": options.threads, "batch": options.batch,
        "samples_per_second": networks * len(epochs) * count / sum(epochs),
        "later_samples_per_second": later([networks * count / seconds for seconds in epochs]),
        "epochs": round(len(epochs) * count / samples, 3), "warm_up_seconds": warm_up,
        "samples_seen": networks * (len(epochs) * count + 3 * warm), "test_loss": loss, "test_accuracy": accuracy,
    }), flush=True)


def seconds_of(train, count):
    start = time.perf_counter()
    train(count)
    return time.perf_counter() - start
