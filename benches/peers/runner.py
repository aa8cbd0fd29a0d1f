"""Runs one driver, or gpu-mlp itself, and says what became of it: a record, or an `error` in words."""
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
THREADS = ("RAYON", "OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")


def run(command, limit, threads=None):
    """Exit code, or None if there is no such program, or "timeout"; and both outputs. The limit is in seconds."""
    environment = os.environ | {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir())}
    environment["RUST_BACKTRACE"] = "0"  # else a panic ends in a note on backtraces, and not in what happened
    environment |= {f"{name}_NUM_THREADS": str(threads) for name in THREADS if threads}
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", timeout=limit,
                              env=environment)
    except subprocess.TimeoutExpired:
        return "timeout", "", ""
    except OSError as error:
        return None, "", str(error)
    return done.returncode, done.stdout, done.stderr


# gpu-mlp's exit code where no adapter offers what was asked for.
NO_ADAPTER = 3


def cause(err):
    """The line of what a failed program said that tells most, without what can break a Markdown table."""
    lines = [line.strip() for line in err.splitlines() if line.strip() and "XDG_RUNTIME_DIR" not in line]
    # A kernel of CUDA says which of its assertions failed, once a thread, before Python's lines. Burn heads each cause so; the
    # last is the root. Python's last exception may go on for lines of advice, as PyTorch's do, and gpu-mlp's error for a hint.
    asserted = [line[line.index("Assertion `"):] for line in lines if "Assertion `" in line]
    causes = [line for above, line in zip(lines, lines[1:]) if above == "Caused by:"]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Exit|Interrupt)\b(:|$)|error: ", line)]
    told = asserted[:1] or causes[-1:] or raised[-1:] or lines[-1:] or ["no message"]
    return told[0].removeprefix("error: ")[:160].replace("|", "/")


def failure(code, err, limit):
    """A line on a run that failed, or None."""
    if code == 0:
        return None
    if code is None:
        return f"missing: {cause(err)}"
    if code == "timeout":
        return f"stopped: longer than {limit:.0f} s"
    if code == NO_ADAPTER:
        return f"refused: {cause(err)}"
    return f"crashed: {signal.Signals(-code).name}" if code < 0 else f"crashed: {cause(err)}"


def later(speeds):
    """The median of all epochs but the first two: clocks rise meanwhile, and gpu-mlp's submissions grow."""
    return median(speeds[2:] or speeds[-1:])


class Others:
    """The share of the CPU's time that other processes had since this was made: above a few percent, no figure is to be
    trusted, and a library whose threads wait for each other suffers most. None where the system does not tell (not Linux)."""

    def __init__(self):
        self.begin = self.ticks()

    @staticmethod
    def ticks():
        """Busy and total CPU seconds of the machine, and those of this process and the children it waited for."""
        if not Path("/proc/stat").exists():
            return None
        ticks = [int(word) for word in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]  # user, nice, … steal
        hertz = os.sysconf("SC_CLK_TCK")
        return (sum(ticks) - ticks[3] - ticks[4]) / hertz, sum(ticks) / hertz, sum(os.times()[:4])

    def share(self):
        if self.begin is None:
            return None
        busy, total, own = (now - then for now, then in zip(self.ticks(), self.begin))
        return round(min(max(busy - own, 0) / total, 1), 3)


def driver(command, limit, threads=None):
    """What a driver printed: one line of JSON."""
    code, out, err = run(command, limit, threads)
    error = failure(code, err, limit)
    return {"error": error} if error else json.loads(out.splitlines()[-1])


def gpu_mlp(binary, data, batch, epochs, limit, backend, adapter=None, threads=None, seed=1, hidden="300,75",
            options=()):
    """gpu-mlp's own training in the words of the drivers' line; all epochs count, the first too, except in the later ones."""
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "train", "--data", data, "--backend", backend, "--batch-size", batch, "--epochs", epochs, "--hidden",
                   hidden, "--seed", seed, "--json", "--out", Path(folder, "run")]
        command += [*options, *([] if adapter is None else ["--adapter", adapter])]
        code, out, err = run(command, limit, threads)
    if error := failure(code, err, limit):
        return {"error": error}
    events = [json.loads(line) for line in out.splitlines()]
    start, records = events[0], [event for event in events if event["event"] == "epoch"]
    return {
        "peer": "gpu-mlp", "version": version(binary), "threads": threads, "batch": batch,
        "backend": start["backend"] if start["backend"] == "cpu" else f"{start['backend']}, {start['adapter']}",
        "samples_per_second": start["train_samples"] * len(records) / sum(record["seconds"] for record in records),
        "later_samples_per_second": later([record["samples_per_second"] for record in records]),
        "epochs": len(records), "warm_up_seconds": start["setup_seconds"], "run_seconds": events[-1]["seconds"],
        "samples_seen": start["train_samples"] * len(records),
        "test_loss": records[-1]["test_loss"], "test_accuracy": records[-1]["test_accuracy"],
    }


def gpu_mlp_networks(binary, data, batch, networks, at_once, limit, backend, adapter=None, threads=None, seed=1):
    """The same for one epoch of several networks, with this seed and those that follow: `at_once` of them train at a time, as an
    ensemble, or if that is one, each as a run of its own."""
    if at_once == 1:
        runs, begun = [], time.monotonic()
        for k in range(networks):
            left = limit - (time.monotonic() - begun)
            runs.append(gpu_mlp(binary, data, batch, 1, max(left, 1), backend, adapter, threads, seed + k))
            if "error" in runs[-1]:
                return runs[-1]
        seconds = sum(run["samples_seen"] / run["samples_per_second"] for run in runs)
        scores, first = runs, runs[0]
        samples, warm_up = first["samples_seen"], sum(run["warm_up_seconds"] for run in runs)
    else:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "run")
            command = [binary, "train", "--ensemble", networks, "--data", data, "--backend", backend, "--batch-size", batch,
                       "--epochs", 1, "--hidden", "300,75", "--seed", seed, "--json", "--out", out]
            code, lines, err = run([*command, *([] if adapter is None else ["--adapter", adapter])], limit, threads)
            if error := failure(code, err, limit):
                return {"error": error}
            start = json.loads((out / "member-1" / "metrics.jsonl").read_text().splitlines()[0])
        scores = [event for line in lines.splitlines() if (event := json.loads(line))["event"] == "member"]
        # All that train at once are as long at it as the training takes.
        seconds = sum(score["training_seconds"] for score in scores) / at_once
        first = {"backend": start["backend"], "version": version(binary)}
        samples, warm_up = start["train_samples"], start["setup_seconds"]
    mean = lambda key: sum(score[key] for score in scores) / networks
    return {
        "peer": "gpu-mlp", "version": first["version"], "threads": threads, "batch": batch, "backend": first["backend"],
        "samples_per_second": networks * samples / seconds, "epochs": 1, "warm_up_seconds": warm_up,
        "samples_seen": networks * samples, "test_loss": mean("test_loss"), "test_accuracy": mean("test_accuracy"),
    }


def version(binary):
    return run([binary, "--version"], 30)[1].replace("gpu-mlp", "").strip()


def answer(command):
    """The JSON that a command prints, and why there is none."""
    code, out, err = run(command, 60)
    if error := failure(code, err, 60):
        return None, error
    try:
        return json.loads(out), None
    except ValueError as error:
        return None, f"unreadable output: {error}"


def adapter(binary):
    """The adapter of `gpu-mlp devices` to measure on: hardware before software, a native API before OpenGL; or None."""
    found, _ = answer([binary, "devices", "--json"])
    usable = [a for a in found["adapters"] if a["compute"]] if found else []
    return min(usable, key=lambda a: (a["device_type"] == "cpu", a["backend"] == "gl", a["index"]), default=None)


def first_line(command):
    return (run(command, 30)[1].splitlines() or [""])[0].strip() if shutil.which(command[0]) else ""


def machine(binary):
    """What the figures depend on."""
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    elif sys.platform == "darwin":
        cpu = first_line(["sysctl", "-n", "machdep.cpu.brand_string"])
    system = platform.platform()
    if hasattr(platform, "freedesktop_os_release") and Path("/etc/os-release").exists():
        system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.machine()}"
    found = adapter(binary)
    return {
        "cpu": cpu, "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": system, "python": platform.python_version(), "gpu-mlp": version(binary),
        "adapter": f"{found['name']}, {found['backend']}, {found['driver']}" if found else "none",
        "software_adapter": bool(found) and found["device_type"] == "cpu",
        "nvidia": first_line(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]),
    }
