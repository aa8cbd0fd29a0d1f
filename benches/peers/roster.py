"""Who is measured, what each needs, and which of gpu-mlp's own rows it is compared with."""
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import runner

HERE = Path(__file__).resolve().parent
WORK = runner.ROOT / "target" / "peers"


@dataclass
class Row:
    name: str
    needs: str  # "gpu-mlp", "python:ENVIRONMENT" or "cargo:FOLDER"
    command: list
    threads: int
    rival: str  # the row that it is compared with
    at_once: int = 0  # of several networks of gpu-mlp: how many train side by side


def rows(cores, adapter, nvidia):
    """All rows of this machine: the CPU's, those of an adapter if there is one, those of CUDA if there is an NVIDIA GPU."""
    def python(name, environment, file, threads=cores, rival=None, **options):
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        script = [HERE / file, "--threads", threads, *words]
        return Row(name, f"python:{environment}", script, threads, rival or f"gpu-mlp cpu {threads}t")

    def cargo(name, folder, rival=f"gpu-mlp cpu {cores}t", **options):
        return Row(name, f"cargo:{folder}", [w for k, v in options.items() for w in (f"--{k}", v)], cores, rival)

    some = sorted({1, cores})
    found = [Row(f"gpu-mlp cpu {t}t", "gpu-mlp", [], t, "") for t in some]
    for mode in ("eager", "compile"):
        found += [python(f"torch {mode} {t}t", "torch", "torch_mlp.py", t, mode=mode) for t in some]
    found += [
        python(f"numpy {cores}t", "numpy", "numpy_batch.py"),
        python("numpy one sample at a time", "numpy", "numpy_sample.py", 1),
        python(f"jax scan {cores}t", "jax", "jax_mlp.py"),
        python("tinygrad cpu", "tinygrad", "tinygrad_mlp.py"),
        cargo(f"burn flex {cores}t", "burn", backend="flex"),
        cargo(f"burn ndarray {cores}t", "burn", backend="ndarray"),
        cargo(f"candle {cores}t", "candle"),
    ]
    if adapter:
        found += [
            Row("gpu-mlp wgpu", "gpu-mlp", [], cores, ""),
            python("tinygrad webgpu (Dawn)", "tinygrad", "tinygrad_mlp.py", rival="gpu-mlp wgpu", backend="webgpu"),
            cargo("burn wgpu, data sent", "burn", "gpu-mlp wgpu", backend="wgpu", place="host"),
            cargo("burn wgpu, data on device", "burn", "gpu-mlp wgpu", backend="wgpu", place="device"),
        ]
    if nvidia:
        found += [python(f"torch cuda {mode}", "torch", "torch_mlp.py", rival="gpu-mlp wgpu", backend="cuda", mode=mode)
                  for mode in ("eager", "compile", "graph")]
        found.append(python("jax cuda scan", "jax-cuda", "jax_mlp.py", rival="gpu-mlp wgpu", backend="cuda"))
    return found


def population(count, cores, adapter, nvidia):
    """So many networks that differ in their seed: together, and one after another. Each row in turn is compared with its own
    library's networks together, and those of other libraries with gpu-mlp's."""
    def jax(name, environment, mode, rival, **options):
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        script = [HERE / "jax_mlp.py", "--threads", cores, "--networks", count, "--mode", mode, *words]
        return Row(name, f"python:{environment}", script, cores, rival)

    def both(name, at_once):
        together = f"{name}, {count} together"
        return [Row(together, "gpu-mlp", [], cores, "", at_once), Row(f"{name}, {count} in turn", "gpu-mlp", [], cores, together, 1)]

    # On the CPU each member of an ensemble has one thread.
    found = both("gpu-mlp cpu", min(cores, count)) + [
        jax(f"jax, vmap of {count}", "jax", "vmap", f"gpu-mlp cpu, {count} together"),
        jax(f"jax, {count} in turn", "jax", "scan", f"jax, vmap of {count}"),
    ]
    if adapter:
        found += both("gpu-mlp wgpu", count)
    if nvidia:
        found += [jax(f"jax cuda, vmap of {count}", "jax-cuda", "vmap", f"gpu-mlp wgpu, {count} together", backend="cuda"),
                  jax(f"jax cuda, {count} in turn", "jax-cuda", "scan", f"jax cuda, vmap of {count}", backend="cuda")]
    return found


def prepare(needs):
    """Installs or builds what a row needs below target/peers; returns the start of its command, or what is missing."""
    kind, _, name = needs.partition(":")
    print(f"preparing {name}", file=sys.stderr)
    if kind == "python":
        return environment(name)
    if not shutil.which("cargo"):
        return "missing: cargo"
    build = ["cargo", "build", "--release", "--locked", "--manifest-path", HERE / name / "Cargo.toml", "--target-dir", WORK / name]
    done = subprocess.run(build, capture_output=True, text=True)
    return [WORK / name / "release" / f"peer-{name}"] if done.returncode == 0 else f"missing: cargo build: {last(done.stderr)}"


def environment(name):
    """A virtual environment with the pinned requirements; made again when they change."""
    folder, wanted = WORK / f"venv-{name}", HERE / f"requirements-{name}.txt"
    python, made = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python", folder / "made-with.txt"
    if not (made.exists() and made.read_text() == wanted.read_text()):
        for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", "-r", wanted]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                return f"missing: {last(done.stderr or done.stdout)}"
        made.write_text(wanted.read_text())
    return [python]


def last(text):
    return (text.strip().splitlines() or ["no message"])[-1][:160].replace("|", "/")
