"""tinygrad with TinyJit, the training set on the device. --backend cpu (needs clang) or webgpu (Dawn, from dawn-python)."""
import os
import platform
import shutil
import task
from importlib.metadata import files

o = task.options
os.environ["DEV"] = o.backend.upper()
if o.backend == "webgpu":
    suffix = {"Linux": ".so", "Darwin": ".dylib", "Windows": ".dll"}[platform.system()]
    dawn = [f for f in files("dawn-python") if f.suffix == suffix]
    dawn = [f for f in dawn if platform.machine() in f.name] or dawn
    os.environ.setdefault("WEBGPU_PATH", str(dawn[0].locate()))
elif "CC" not in os.environ:
    os.environ["CC"] = next(filter(None, map(shutil.which, ["clang", *(f"clang-{k}" for k in range(25, 13, -1))])), "clang")

import numpy as np
from tinygrad import Device, Tensor, TinyJit
from tinygrad.helpers import Context
from tinygrad.nn.optim import SGD

random = np.random.default_rng(o.seed)
pixels, labels = task.data("train")
n = len(labels)
# Bytes on the device, made floats in the step: as floats they are larger than what some adapters can bind (128 MiB).
x, y = Tensor((pixels * 255).round().astype(np.uint8)).realize(), Tensor(labels).realize()
net = [(Tensor(w).realize(), Tensor(b).realize()) for w, b in task.initial()]
for parameter in (p for pair in net for p in pair):
    parameter.requires_grad = True
sgd = SGD([p for pair in net for p in pair], lr=task.rate)


def step(rows):
    a = x[rows].cast("float32") * (1 / 255)
    for w, b in net[:-1]:
        a = (a @ w + b).relu()
    loss = (a @ net[-1][0] + net[-1][1]).sparse_categorical_crossentropy(y[rows])
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    return loss.realize()


whole, last = TinyJit(step), TinyJit(step)  # a jitted function has one shape


def train(count):
    order = random.permutation(n)[:count].astype(np.int32)
    with Context(TRAINING=1):
        for i in range(0, count, o.batch):
            rows = order[i:i + o.batch]
            (whole if len(rows) == o.batch else last)(Tensor(rows).realize())
        Device[Device.DEFAULT].synchronize()


task.measure("tinygrad", o.backend, n, train, lambda: [(w.numpy(), b.numpy()) for w, b in net])
