"""``train`` and ``replay``: what the program does, from Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ._models import Model, load

__all__ = ["Replay", "replay", "train"]

_Callback = Callable[[dict[str, Any]], Any]


def _option(name: str, value: Any) -> list[str]:
    """A keyword as an option of the program."""
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={part}" for key, part in value.items())
    elif isinstance(value, Iterable) and not isinstance(value, (str, os.PathLike)):
        value = ",".join(str(part) for part in value)
    return [f"{flag}={value}"]


def _error(code: int, text: str) -> Exception:
    """The error that an exit code stands for, in the program's words."""
    words = text.strip().removeprefix("error: ") or f"the program ended with {code}"
    return ValueError(words) if code in (2, 3) else RuntimeError(words)


def _events(arguments: list[str]) -> Generator[dict[str, Any], None, None]:
    """Runs the program with ``--json``, and gives each line; an interrupt ends it as Ctrl-C does."""
    command = [sys.executable, "-m", "gpu_mlp", *arguments, "--json"]
    # An interrupt comes to this process alone, which passes it on.
    how: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", **how
    )
    assert process.stdout is not None and process.stderr is not None
    said: list[str] = []
    listener = threading.Thread(target=lambda errors=process.stderr: said.extend(errors), daemon=True)
    listener.start()
    try:
        for line in process.stdout:
            yield json.loads(line)
    except (KeyboardInterrupt, GeneratorExit):
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        process.wait()
        raise
    finally:
        if process.poll() is None and sys.exc_info()[0] is not None:
            process.terminate()
        code = process.wait()
        listener.join()
        process.stdout.close()
        process.stderr.close()
    if code == 130:
        raise KeyboardInterrupt
    if code != 0:
        raise _error(code, "".join(said))


class _Bar:
    """A bar for the epochs, by tqdm if it is there."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._bar: Any = None

    def epoch(self, event: dict[str, Any], epochs: int) -> None:
        if not self._wanted:
            return
        loss = f"loss {event['train_loss']:.4f}, test {event['test_loss']:.4f}"
        if self._bar is None:
            try:
                from tqdm.auto import tqdm

                self._bar = tqdm(total=epochs, unit="epoch")
            except ImportError:
                print(f"epoch {event['epoch']} of {epochs}: {loss}")
                return
        self._bar.update()
        self._bar.set_postfix_str(loss)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def train(
    data: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    callbacks: _Callback | Iterable[_Callback] = (),
    progress: bool = True,
    **options: Any,
) -> Model:
    """Train as ``gpu-mlp train`` does, in a process of its own, and keep the run in a folder.

    Parameters
    ----------
    data : str, path, (X, y), DataFrame or None
        A set by name, a file or folder as ``--data`` takes it; or arrays, which are kept beside the run as ``OUT.npz``; or a
        DataFrame, kept as ``OUT.csv``, whose ``label_column`` is told as an option.
    out : str or path, optional
        The folder of the run; by default ``runs/<time>-<data>``, and of arrays ``runs/arrays-<number>``.
    callbacks : callable or list of callables
        Called with each epoch's line of ``metrics.jsonl`` as a dictionary.
    progress : bool, default=True
        Whether to show a bar (by tqdm, if it is there).
    **options
        Every option of ``gpu-mlp train --help``, with underscores: ``hidden=[300, 75]``, ``optimizer="adam"``,
        ``early_stopping=3``, ``nesterov=True``, ``resume="runs/mine"``.

    Returns
    -------
    Model
        The trained network; its ``path`` is the run.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C. The run is saved first, and goes on with ``resume=``.
    ValueError, RuntimeError
        What the program refuses, in its words.

    Examples
    --------
    >>> import tempfile, gpu_mlp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     losses = []
    ...     keep = lambda event: losses.append(event["test_loss"])
    ...     model = gpu_mlp.train("digits", out=f"{folder}/run", epochs=1, callbacks=keep, progress=False, backend="cpu")
    >>> model, len(losses)
    (<gpu_mlp.Model 784-300-75-10, predicts classes>, 1)
    """
    told = [callbacks] if callable(callbacks) else list(callbacks)
    arguments = ["train"]
    if data is not None and not isinstance(data, (str, os.PathLike)):
        out = _free() if out is None else Path(out)
        data = _kept(data, Path(out))
    if data is not None:
        arguments.append(f"--data={os.fspath(data)}")
    if out is not None:
        arguments.append(f"--out={os.fspath(out)}")
    for name, value in options.items():
        arguments += _option(name, value)
    bar, run, epochs = _Bar(progress), out, 0
    try:
        with closing(_events(arguments)) as events:
            for event in events:
                if event.get("event") == "start":
                    run, epochs = event.get("run_dir") or run, event.get("epochs", 0)
                elif event.get("event") == "epoch":
                    bar.epoch(event, epochs)
                    for callback in told:
                        callback(event)
    finally:
        bar.close()
    if run is None:
        raise RuntimeError("the program did not say which run it trained")
    return load(run)


def _free() -> Path:
    """A folder of a run that is not there yet."""
    number = 1
    while (path := Path("runs") / f"arrays-{number}").exists() or path.with_suffix(".npz").exists():
        number += 1
    return path


def _kept(data: Any, out: Path) -> Path:
    """Writes arrays or a table beside the run."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if hasattr(data, "to_csv"):
        path = out.with_name(f"{out.name}.csv")
        data.to_csv(path, index=False)
        return path
    try:
        X, y = data
    except (TypeError, ValueError):
        raise ValueError("data: expected a name, a path, a DataFrame or (X, y)") from None
    path = out.with_name(f"{out.name}.npz")
    np.savez(path, X=np.asarray(X), y=np.asarray(y))
    return path


class Replay:
    """What a bug does to a training: see :func:`gpu_mlp.replay`.

    Attributes
    ----------
    curves : list of dict
        The right training first: ``label`` and ``points``, each with what was measured.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.curves: list[dict[str, Any]] = content["curves"]

    def __repr__(self) -> str:
        return f"<gpu_mlp.Replay {', '.join(curve['label'] for curve in self.curves)}>"

    def plot(self) -> Any:
        """Loss and accuracy over the epochs, drawn with matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
            With a panel for what was printed as the loss, one for the cross-entropy, and one for the accuracy.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4), layout="constrained")
        panels = [
            ("printed_loss", "printed loss"),
            ("loss", "cross-entropy"),
            ("accuracy", "accuracy"),
        ]
        axes: Any = None
        for axes, (key, title) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            for curve in self.curves:
                points = [point for point in curve["points"] if point[key] is not None]
                axes.plot(
                    [point["epoch"] for point in points],
                    [point[key] for point in points],
                    label=curve["label"],
                )
            axes.set(title=title, xlabel="epoch")
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small"
        )
        return figure

    def _repr_png_(self) -> bytes:
        from io import BytesIO

        image = BytesIO()
        self.plot().savefig(image, format="png", dpi=100)
        return image.getvalue()


def replay(bug: str | Iterable[str] = (), **options: Any) -> Replay:
    """Train right, and again with a bug: what the bug does to loss and accuracy.

    Parameters
    ----------
    bug : str or list of str
        Names as the doctor has them, such as ``"softmax-jacobian"``.
    **options
        Of ``gpu-mlp replay --help``, with underscores: ``seed_question=True``, ``epochs=25``, ``data="mnist"``.

    Returns
    -------
    Replay
        Shows a plot in a notebook; ``plot()`` gives the figure, ``curves`` the numbers.
    """
    bugs = [bug] if isinstance(bug, str) else list(bug)
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["replay", *(part for name in bugs for part in _option("bug", name))]
        for name, value in {"out": folder, **options}.items():
            arguments += _option(name, value)
        with closing(_events(arguments)) as events:
            for event in events:
                if "curves" in event:
                    return Replay(event)
    raise RuntimeError("the program said nothing of what it trained")
