"""numpy, one sample at a time, as who learns backpropagation writes it: float64, the softmax's Jacobian filled by two
loops, gradients added up over the batch. The formulas are right; only the way is slow."""
import task
import numpy as np

o, random = task.options, np.random.default_rng(task.options.seed)
x, y = task.data("train")
x, t, n = x.astype(np.float64), np.eye(10)[y], len(x)
net = [(w.astype(np.float64), b.astype(np.float64)) for w, b in task.initial()]


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def jacobian(p):
    J = np.zeros((len(p), len(p)))
    for i in range(len(p)):
        for j in range(len(p)):
            J[i][j] = p[i] * (1 - p[j]) if i == j else -p[i] * p[j]
    return J


def gradients(sample, target):
    (w1, b1), (w2, b2), (w3, b3) = net
    z1 = np.dot(sample, w1) + b1
    a1 = z1 * (z1 > 0)
    z2 = np.dot(a1, w2) + b2
    a2 = z2 * (z2 > 0)
    p = softmax(np.dot(a2, w3) + b3)
    dz3 = np.dot(-target / np.maximum(p, 1e-300), jacobian(p))
    dz2 = np.dot(dz3, w3.T) * (z2 > 0)
    dz1 = np.dot(dz2, w2.T) * (z1 > 0)
    return [(np.outer(sample, dz1), dz1), (np.outer(a1, dz2), dz2), (np.outer(a2, dz3), dz3)]


def train(count):
    order = random.permutation(n)[:count]
    for i in range(0, count, o.batch):
        rows = order[i:i + o.batch]
        sums = [(np.zeros(w.shape), np.zeros(b.shape)) for w, b in net]
        for row in rows:
            for (dw, db), (gw, gb) in zip(sums, gradients(x[row], t[row])):
                dw += gw
                db += gb
        for (w, b), (dw, db) in zip(net, sums):
            w -= task.rate * dw / len(rows)
            b -= task.rate * db / len(rows)


task.measure("numpy", "cpu, one sample at a time, float64", n, train, lambda: net)
