"""Compares what TensorBoard reads of a run's folder with the run's metrics: check_tensorboard.py RUN"""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])
lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
epochs = [line for line in lines if line["event"] == "epoch"]
tags = {
    "samples_per_second": "samples_per_second",
    **{
        f"{what}/{part}": f"{part}_{what}"
        for what in ("loss", "accuracy")
        for part in ("train", "test", "validation")
        if epochs[0][f"{part}_{what}"] is not None
    },
}

events = EventAccumulator(str(run), size_guidance={"scalars": 0})
events.Reload()
found = events.Tags()
assert set(found["scalars"]) == {*tags, "learning_rate"}, found
assert "configuration/text_summary" in found["tensors"] or "configuration" in found["tensors"], found
for tag, name in tags.items():
    scalars = events.Scalars(tag)
    steps = [scalar.step for scalar in scalars]
    assert steps == [line["epoch"] for line in epochs], (tag, steps)
    for scalar, line in zip(scalars, epochs):
        got, expected = scalar.value, line[name]
        # The file has f32.
        assert abs(got - expected) <= 1e-6 * abs(expected), (tag, scalar, expected)
    times = [scalar.wall_time for scalar in scalars]
    assert times == sorted(times), (tag, times)
rates = [scalar.value for scalar in events.Scalars("learning_rate")]
text = json.loads(events.Tensors("configuration")[-1].tensor_proto.string_val[0].decode().strip("`json\n"))
assert text["epochs"] == len(epochs), text
print(f"same scalars: {len(tags)} tags, {len(epochs)} epochs, learning rates {rates}")
