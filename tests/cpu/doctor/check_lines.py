"""Runs the lines that the doctor says would be right: each must give the tensor that a right network has.

    python check_lines.py FOLDER    # of files N.npz with a right network's arrays, and N.py with lines `tensor<TAB>code`
"""

import math
import pathlib
import sys

import numpy as np

phi = np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))
FUNCTIONS = {
    "np": np,
    "gelu": lambda z: z * phi(z),
    "gelu_derivative": lambda z: phi(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
}

wrong = checked = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.npz")):
    arrays = dict(np.load(path))
    for line in path.with_suffix(".py").read_text().splitlines():
        tensor, code = line.split("\t")
        names = dict(FUNCTIONS, **arrays)
        checked += 1
        try:
            exec(code, names)
            what, got, want = "", np.asarray(names[tensor]), arrays[tensor]
            off = np.abs(got.reshape(want.shape) - want).max() / max(np.abs(want).max(), 1e-300)
        except Exception as error:
            off, what = math.inf, error
        if not off < 1e-8:
            wrong += 1
            shapes = {name: value.shape for name, value in arrays.items()}
            print(f"{path.name}: `{code}` is {off:.1e} off {what}\n  {shapes}")
print(f"{checked} lines, {wrong} wrong")
sys.exit(wrong > 0)
