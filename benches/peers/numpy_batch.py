"""numpy, a matrix product a layer and batch: what the network costs in plain BLAS."""
import task
import numpy as np

o, random = task.options, np.random.default_rng(task.options.seed)
x, y = task.data("train")
n, net = len(x), task.initial()


def train(count):
    order = random.permutation(n)[:count]
    for i in range(0, count, o.batch):
        rows = order[i:i + o.batch]
        activations = [x[rows]]
        for w, b in net:
            z = activations[-1] @ w + b
            activations.append(np.maximum(z, 0) if len(activations) < len(net) else z)
        dz = np.exp(z - z.max(axis=1, keepdims=True))
        dz /= dz.sum(axis=1, keepdims=True)
        dz[np.arange(len(rows)), y[rows]] -= 1
        dz *= np.float32(1 / len(rows))
        for k, (w, b) in reversed(list(enumerate(net))):
            dw, db = activations[k].T @ dz, dz.sum(axis=0)
            if k:
                dz = (dz @ w.T) * (activations[k] > 0)
            w -= np.float32(task.rate) * dw
            b -= np.float32(task.rate) * db


task.measure("numpy", "cpu, batches", n, train, lambda: net)
