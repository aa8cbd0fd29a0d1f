"""Matrix products by PyTorch, on a GPU by cuBLAS: the three kinds of a layer's training, timed at given shapes.

Prints one line of JSON: for each product the GFLOP/s in true float32 and with TF32.
"""
import argparse
import json
import time
from importlib.metadata import version
from statistics import median

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--backend", default="cpu")
parser.add_argument("--seconds", type=float, default=0.3, help="of each product and precision")
parser.add_argument("products", nargs="+", help="KIND:BATCH:INPUTS:OUTPUTS; the kind is forward, backward or update")
options = parser.parse_args()
device = torch.device(options.backend)


def operands(kind, batch, inputs, outputs):
    """What a layer multiplies: activations by weights, gradients by turned weights, turned activations by gradients."""
    x, w, dz = (torch.randn(shape, device=device) for shape in ((batch, inputs), (inputs, outputs), (batch, outputs)))
    return {"forward": (x, w), "backward": (dz, w.T), "update": (x.T, dz)}[kind]


def repeated(a, b, out, count):
    """A function that multiplies `count` times; on CUDA a graph, since launching a small product takes longer than it."""
    def products():
        for _ in range(count):
            torch.mm(a, b, out=out)

    if device.type != "cuda":
        return products
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        products()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        products()
    return graph.replay


def seconds_of(run):
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def gflops(kind, batch, inputs, outputs):
    a, b = operands(kind, batch, inputs, outputs)
    out, flops = torch.empty(a.shape[0], b.shape[1], device=device), 2 * batch * inputs * outputs
    count = max(1, min(50, round(2e12 / flops))) if device.type == "cuda" else 1
    run, taken = repeated(a, b, out, count), []
    for _ in range(3):
        seconds_of(run)
    while sum(taken) < options.seconds:
        taken.append(seconds_of(run))
    return flops * count / median(taken) / 1e9


found = []
for word in options.products:
    kind, *shape = word.split(":")
    row = {"kind": kind, "shape": [int(size) for size in shape]}
    for name, precision in (("f32", "highest"), ("tf32", "high")):
        torch.set_float32_matmul_precision(precision)
        row[name] = gflops(kind, *row["shape"])
    found.append(row)
print(json.dumps({"version": version("torch"), "products": found}))
