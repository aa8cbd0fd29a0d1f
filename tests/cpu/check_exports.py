"""Computes the logits of exported models with other programs, and compares them with those of gpu-mlp.

Each folder in the one that is named has model.onnx (with probabilities), plain.onnx, model.safetensors and model.npz of
one network, and expected.npz: rows `x` as they are in the data, and their `logits`; or ensemble.onnx, and what its members
`said` on average.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

try:
    import torch
except ImportError:
    torch = None

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}

ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "gelu": lambda z: z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2,
    "leaky-relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(z, 0),
    "identity": lambda z: z,
}


def check_onnx(folder, x, logits):
    for name, outputs in [("model.onnx", ["logits", "probabilities"]), ("plain.onnx", ["logits"])]:
        model = onnx.load(folder / name)
        onnx.checker.check_model(model, full_check=True)
        assert [(o.domain, o.version >= 17) for o in model.opset_import] == [("", True)], model.opset_import
        session = onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
        assert [o.name for o in session.get_outputs()] == outputs
        names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
        assert len(names) == logits.shape[1], names
        for rows in [1, 7, len(x)]:
            got = session.run(None, {"input": x[:rows]})
            np.testing.assert_allclose(got[0], logits[:rows], **TOLERANCE)
            if len(got) > 1:
                e = np.exp(logits[:rows] - logits[:rows].max(axis=1, keepdims=True))
                np.testing.assert_allclose(got[1], e / e.sum(axis=1, keepdims=True), **TOLERANCE)


def check_ensemble(folder, x, said):
    model = onnx.load(folder / "ensemble.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(folder / "ensemble.onnx", providers=["CPUExecutionProvider"])
    name = "predictions" if folder.name.endswith("numbers") else "probabilities"
    assert [o.name for o in session.get_outputs()] == [name]
    for rows in [1, 7, len(x)]:
        np.testing.assert_allclose(session.run(None, {"input": x[:rows]})[0], said[:rows], **TOLERANCE)


def scaled(x, info):
    scaling = info["preparation"]["scaling"]
    if scaling == "bytes":
        return x / np.float32(255)
    if scaling == "none":
        return x
    columns = scaling["columns"]
    return (x - np.array(columns["shift"], "f4")) * np.array(columns["factor"], "f4")


def check_npz(folder, x, logits):
    file = np.load(folder / "model.npz")
    info = json.loads(bytes(file["gpu_mlp"]))
    a = scaled(x, info)
    last = len(info["layers"]) - 1
    for n in range(1, last + 1):
        z = a @ file[f"W{n}"] + file[f"b{n}"]
        a = ACTIVATIONS[info["activation"]](z) if n < last else z
    np.testing.assert_allclose(a, logits, **TOLERANCE)
    return info


def check_torch(folder, x, logits, info):
    """Reads the file's header here, so that nothing but PyTorch is needed."""
    data = (folder / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    said = json.loads(header.pop("__metadata__")["gpu_mlp"])
    del said["sha256"]  # of the file
    assert said == info
    state = {}
    for name, tensor in header.items():
        begin, end = (start + offset for offset in tensor["data_offsets"])
        assert tensor["dtype"] == "F32"
        state[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(tensor["shape"])
    activation = {
        "relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "gelu": torch.nn.GELU,
        "leaky-relu": torch.nn.LeakyReLU, "elu": torch.nn.ELU, "silu": torch.nn.SiLU, "softplus": torch.nn.Softplus,
        "identity": torch.nn.Identity,
    }
    layers = []
    for ins, outs in zip(info["layers"], info["layers"][1:]):
        layers += [torch.nn.Linear(ins, outs), activation[info["activation"]]()]
    model = torch.nn.Sequential(*layers[:-1])
    model.load_state_dict(state)
    with torch.no_grad():
        got = model(torch.from_numpy(scaled(x, info).astype("f4"))).numpy()
    np.testing.assert_allclose(got, logits, **TOLERANCE)


def main():
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
    print(f"torch {torch.__version__}" if torch else "torch is not installed: load_state_dict is not tried")
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        expected = np.load(folder / "expected.npz")
        if "said" in expected:
            check_ensemble(folder, expected["x"], expected["said"])
            print(f"same logits: {folder.name}")
            continue
        x, logits = expected["x"], expected["logits"]
        check_onnx(folder, x, logits)
        info = check_npz(folder, x, logits)
        if torch:
            check_torch(folder, x, logits, info)
        print(f"same logits: {folder.name}")


main()
