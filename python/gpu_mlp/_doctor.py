"""The doctor: finds the first wrong tensor among the arrays of a hand-written backpropagation, names the bug, and says the fix."""

from __future__ import annotations

import functools
import html
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Any, TypeVar

import numpy as np

from . import _native

__all__ = ["Doctor", "Report", "doctor"]

F = TypeVar("F", bound=Callable[..., Any])

#: Names whose texts the doctor understands.
_TEXTS = ("act", "activation", "layout")
#: What Python and notebooks put among everybody's variables.
_NOTEBOOK = re.compile(r"__\w+__|_+[ih]*\d*|In|Out|exit|quit|get_ipython|open")
#: How many names of what was left out are told.
_NAMED = 8
#: How deep dictionaries and lists are looked into.
_DEEPEST = 8


class Report:
    """What the doctor found. It is true if nothing is wrong, and prints as ``gpu-mlp doctor`` does.

    Attributes
    ----------
    verdict : str
        ``"clean"``, ``"bugs"`` (every mismatch has a name), ``"depends"`` (on what was meant) or ``"unknown"``.
    first_mismatch : str or None
        The first tensor that is wrong, such as ``"dW2"``.
    findings : list of dict
        Each mismatch: ``tensor``, ``bug``, ``formula``, ``fix``, ``right`` and more, as ``gpu-mlp doctor --json`` has them.
    notes : list of str
        What else there is to say, and what was left out.
    checked : list of dict
        Each tensor, and whether it was right.
    """

    def __init__(self, text: str, content: dict[str, Any]) -> None:
        self._text = text
        self._content = content

    @property
    def verdict(self) -> str:
        return str(self._content["verdict"])

    @property
    def first_mismatch(self) -> str | None:
        first: str | None = self._content["first_mismatch"]
        return first

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self._content["findings"])

    @property
    def notes(self) -> list[str]:
        return list(self._content["notes"])

    @property
    def checked(self) -> list[dict[str, Any]]:
        return list(self._content["checked"])

    @property
    def bugs(self) -> list[str]:
        """The names of all bugs that were found, each once, in the order of the findings."""
        return list(dict.fromkeys(finding["bug"] for finding in self.findings if finding["bug"]))

    def to_dict(self) -> dict[str, Any]:
        """What ``gpu-mlp doctor --json`` prints."""
        content: dict[str, Any] = json.loads(json.dumps(self._content))
        return content

    def __bool__(self) -> bool:
        return self.verdict == "clean"

    def __str__(self) -> str:
        return self._text.rstrip("\n")

    def __repr__(self) -> str:
        found = ", ".join(self.bugs) or self.first_mismatch or "nothing"
        return f"<gpu_mlp.Report {self.verdict}: {found}>"

    def _repr_html_(self) -> str:
        headline, _, rest = str(self).partition("\n\n")
        # What was found is shown; names, notes and the table of what was checked are folded away.
        found, *folded = re.split(r"(?:^|\n\n)(?=Names read as|Notes\n|Checked\n)", rest, maxsplit=1)
        colour = {"clean": "#2a7d2a", "depends": "#8a6d00"}.get(self.verdict, "#b02a2a")
        pre = "white-space:pre-wrap;overflow-wrap:anywhere;font-family:monospace;margin:0 0 0.5em 0"
        parts = [f'<div style="{pre};font-weight:bold">{html.escape(headline)}</div>']
        if found:
            parts.append(f'<div style="{pre}">{html.escape(found)}</div>')
        if folded:
            parts.append(
                f"<details><summary>names, notes, and what was checked</summary>"
                f'<div style="{pre}">{html.escape(folded[0])}</div></details>'
            )
        return f'<div style="border-left:4px solid {colour};padding:0.4em 0.8em">{"".join(parts)}</div>'


class Doctor:
    """Examines the arrays of one step on one batch: ``gpu_mlp.doctor(arrays)``.

    Names are yours: the doctor finds out what is what, by names, shapes and numbers.
    """

    def __call__(
        self,
        arrays: Mapping[str, Any] | Sequence[Any] | str | os.PathLike[str],
        *,
        map: Mapping[str, str] | None = None,
        act: str | None = None,
        tolerance: float | None = None,
        language: str = "numpy",
    ) -> Report:
        """Find the first wrong tensor, the bug that explains it, and the fix.

        Parameters
        ----------
        arrays : mapping, sequence or path
            Arrays by their names: weights, biases, X, y and anything computed from them. ``locals()`` is fine as it is: what is
            no array is left out, and attributes of ``self`` count as arrays of their names. Dictionaries and lists may be
            nested; tensors of PyTorch and JAX are arrays. Or the path of an ``.npz`` or ``.json`` file, or of a folder.
        map : mapping, optional
            ``{yours: ours}`` where names and numbers do not tell, such as ``{"hidden_w": "W1"}``.
        act : str, optional
            The hidden activation, such as ``"tanh"``, if the arrays have no ``act``.
        tolerance : float, optional
            The largest relative difference that still counts as equal; by default 1e-9 for float64 and 1e-4 for float32.
        language : str, default="numpy"
            The language of the lines that would be right.

        Returns
        -------
        Report
            Prints as the program does; true if nothing is wrong.

        Raises
        ------
        ValueError
            If there is not enough to check, or an argument cannot be meant.

        Examples
        --------
        >>> import numpy as np, gpu_mlp
        >>> X, y = np.eye(3), np.array([0, 1, 1])
        >>> W1, b1 = np.arange(6.0).reshape(3, 2) / 10, np.zeros(2)
        >>> z = X @ W1 + b1
        >>> p = np.exp(z) / np.exp(z).sum()
        >>> report = gpu_mlp.doctor(dict(X=X, y=y, W1=W1, b1=b1, z1=z, p=p))
        >>> print(report.first_mismatch, report.bugs)
        p ['softmax-whole-batch']
        >>> bool(report)
        False
        """
        pairs = list((map or {}).items())
        said = {"act": act, "tolerance": tolerance, "map": pairs, "language": language}
        if isinstance(arrays, (str, os.PathLike)):
            text, content = _native.examine_file(os.fspath(arrays), said)
        else:
            gathered = _Gathered()
            gathered.take_all(arrays)
            text, content = _native.examine(gathered.entries(), said, gathered.notes())
        return Report(text, json.loads(content))

    def watch(
        self,
        function: Callable[..., Any] | None = None,
        *,
        after: str | None = None,
        show: bool = True,
        map: Mapping[str, str] | None = None,
        act: str | None = None,
        tolerance: float | None = None,
        language: str = "numpy",
    ) -> Any:
        """Examine a function as it returns, without a line inside of it.

        As a decorator, ``@gpu_mlp.doctor.watch``, it takes the local variables of the function when it returns, and the
        attributes of its ``self``; what arguments and attributes were when it was called counts as ``NAME_old`` where the
        function has changed it. As a context manager, ``with gpu_mlp.doctor.watch(after="train"):``, it does so for the
        first call of the function of this name. Only the first call is examined.

        Parameters
        ----------
        after : str, optional
            For ``with``: the name of the function, such as ``"train"`` or ``"Network.train"``.
        show : bool, default=True
            Whether to print the report.
        map, act, tolerance, language
            As of :func:`gpu_mlp.doctor`.

        Returns
        -------
        function or Watch
            The decorated function has the report as ``function.report``, the context manager as ``watch.report``.

        Examples
        --------
        >>> import numpy as np, gpu_mlp
        >>> @gpu_mlp.doctor.watch(show=False)
        ... def forward(X, y, W1, b1):
        ...     z1 = X @ W1 + b1
        ...     p = np.exp(z1) / np.exp(z1).sum(axis=1, keepdims=True)
        ...     loss = -np.log(p[np.arange(len(y)), y]).mean()
        ...     return loss
        >>> W1 = np.arange(6.0).reshape(3, 2) / 10
        >>> float(forward(np.eye(3), np.array([0, 1, 1]), W1, np.zeros(2)).round(3))
        0.678
        >>> forward.report.verdict
        'clean'
        """
        asked = dict(map=map, act=act, tolerance=tolerance, language=language)

        def diagnose(arrays: Mapping[str, Any]) -> Report:
            report = self(arrays, **asked)  # type: ignore[arg-type]
            if show:
                print(report)
            return report

        def decorate(function: F) -> F:
            @functools.wraps(function)
            def watched(*args: Any, **kwargs: Any) -> Any:
                if watched.report is not None:  # type: ignore[attr-defined]
                    return function(*args, **kwargs)
                tracer = _Tracer(lambda frame: frame.f_code is code)
                with tracer:
                    result = function(*args, **kwargs)
                if tracer.seen is not None:
                    watched.report = diagnose(tracer.seen)  # type: ignore[attr-defined]
                return result

            code = getattr(function, "__code__", None)
            watched.report = None  # type: ignore[attr-defined]
            return watched  # type: ignore[return-value]

        if function is not None:
            return decorate(function)
        return Watch(after, diagnose, decorate)


class Watch:
    """What :meth:`Doctor.watch` returns: a context manager, and a decorator.

    Attributes
    ----------
    report : Report or None
        Of the first call; nothing before it.
    """

    def __init__(
        self,
        after: str | None,
        diagnose: Callable[[Mapping[str, Any]], Report],
        decorate: Callable[[Any], Any],
    ) -> None:
        self.report: Report | None = None
        self._after = after
        self._diagnose = diagnose
        self._decorate = decorate
        self._tracer: _Tracer | None = None

    def __call__(self, function: F) -> F:
        decorated: F = self._decorate(function)
        return decorated

    def __enter__(self) -> Watch:
        if self._after is None:
            raise ValueError('say which function is to be watched: gpu_mlp.doctor.watch(after="train")')
        name = self._after
        self._tracer = _Tracer(lambda frame: _is_called(frame, name))
        self._tracer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tracer, self._tracer = self._tracer, None
        if tracer is None:
            return
        tracer.__exit__(kind, error, trace)
        if kind is not None:
            return
        if tracer.seen is None:
            raise ValueError(f"no function `{self._after}` was called, and returned, inside of the `with`")
        self.report = self._diagnose(tracer.seen)


def _is_called(frame: FrameType, name: str) -> bool:
    """Whether the frame is of the function of this name, or of this class and name."""
    own = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
    return name in (frame.f_code.co_name, own) or own.endswith(f".{name}")


class _Tracer:
    """Keeps what the first of some functions had at its return, and where it changed its arguments, what they were before."""

    def __init__(self, wanted: Callable[[FrameType], bool]) -> None:
        self.seen: dict[str, Any] | None = None
        self._wanted = wanted
        self._frame: FrameType | None = None
        self._before: dict[str, Any] = {}
        self._outer: Any = None

    def __enter__(self) -> _Tracer:
        self._outer = sys.getprofile()
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._outer)

    def _event(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call" and self._frame is None and self.seen is None and self._wanted(frame):
            self._frame = frame
            self._before = {name: _copied(value) for name, value in _namespace(frame.f_locals)}
        elif event == "return" and frame is self._frame:
            self._frame = None
            # Later calls may change the arrays once more.
            self.seen = {name: _copied(value) for name, value in _namespace(frame.f_locals)}
            changed = [name for name, old in self._before.items() if not _equal(old, self.seen.get(name))]
            self.seen.update({f"{name}_old": self._before[name] for name in changed})
            sys.setprofile(self._outer)


def _copied(value: Any, depth: int = 0) -> Any:
    """A copy of an array, and of the arrays in dictionaries and lists; anything else as it is."""
    if depth < _DEEPEST and isinstance(value, dict):
        return {key: _copied(part, depth + 1) for key, part in value.items()}
    if depth < _DEEPEST and type(value) in (list, tuple):
        return type(value)(_copied(part, depth + 1) for part in value)
    array = _array(value)
    return value if array is None else array.copy()


def _equal(old: Any, new: Any) -> bool:
    """Whether two of `_copied`'s have the same arrays; what is none counts as unchanged."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(_equal(part, new.get(key)) for key, part in old.items())
    if isinstance(old, (list, tuple)):
        return isinstance(new, (list, tuple)) and len(old) == len(new) and all(map(_equal, old, new))
    if not isinstance(old, np.ndarray):
        return True
    return isinstance(new, np.ndarray) and np.array_equal(old, new)


def _namespace(variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Variables, and the attributes of ``self`` under their own names where no variable has them."""
    yield from ((name, value) for name, value in variables.items() if name != "self")
    attributes = getattr(variables.get("self"), "__dict__", {})
    for name, value in attributes.items():
        yield (name if name not in variables else f"self.{name}", value)


def _array(value: Any) -> np.ndarray[Any, Any] | None:
    """A value as an array of numbers or a text; nothing if it is none."""
    if isinstance(value, (bool, int, float, np.generic, np.ndarray)):
        array = np.asarray(value)
    elif hasattr(value, "detach") and hasattr(value, "cpu"):  # PyTorch
        tensor = value.detach().cpu()
        try:
            array = tensor.numpy()
        except TypeError:  # NumPy has no bfloat16.
            array = tensor.float().numpy()
    elif hasattr(value, "__array__") and not isinstance(value, type):
        array = np.asarray(value)
    else:
        return None
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            return None
    return array if array.dtype.kind in "fiub" else None


class _Gathered:
    """The arrays among some values, and the names of what is none."""

    def __init__(self) -> None:
        self._found: dict[str, str | tuple[str, np.ndarray[Any, Any]]] = {}
        self._left_out: list[str] = []

    def take_all(self, arrays: Mapping[str, Any] | Sequence[Any]) -> None:
        """All values of a mapping, or of a sequence, whose names are then its numbers."""
        if isinstance(arrays, Mapping):
            for name, value in _namespace({str(name): value for name, value in arrays.items()}):
                self._take(name, value, 0)
        elif isinstance(arrays, Sequence):
            for number, value in enumerate(arrays):
                self._take(f"array_{number}", value, 0)
        else:
            kind = type(arrays).__name__
            raise ValueError(f"arrays: expected a dict of arrays, a list of arrays or a path, got {kind}")

    def entries(self) -> list[tuple[str, str | tuple[str, np.ndarray[Any, Any]]]]:
        return list(self._found.items())

    def notes(self) -> list[str]:
        names = ", ".join(f"`{name}`" for name in self._left_out[:_NAMED])
        more = len(self._left_out) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        return [f"left out, since no array of numbers: {names}{rest}"] if names else []

    def _take(self, name: str, value: Any, depth: int) -> None:
        if value is None or _NOTEBOOK.fullmatch(name):
            return
        if isinstance(value, (str, np.str_)):
            if name.split(".")[-1] in _TEXTS:
                self._found[name] = str(value)
            return
        if isinstance(value, np.ndarray) and value.dtype.kind in "US" and value.size == 1:
            self._take(name, str(value.item()), depth)
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            for key, part in value.items():
                self._take(f"{name}.{key}", part, depth + 1)
        elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
            self._take_list(name, value, depth)
        elif (array := _array(value)) is not None:
            dtype = f"{array.dtype.kind}{array.dtype.itemsize}"
            self._found[name] = (dtype, np.array(array, dtype=np.float64, order="C"))
        else:
            self._left_out.append(name)

    def _take_list(self, name: str, values: Sequence[Any], depth: int) -> None:
        """Numbers, and rows of one length, are one array; matrices, and parts of different shapes, are an array each."""
        parts = [_array(value) for value in values]
        shapes = {part.shape for part in parts if part is not None}
        if all(part is not None for part in parts) and len(shapes) == 1 and len(next(iter(shapes))) < 2:
            self._take(name, np.stack([part for part in parts if part is not None]), depth)
            return
        try:
            plain = np.array(values, dtype=np.float64) if all(part is None for part in parts) else None
        except (TypeError, ValueError):
            plain = None
        if plain is not None and plain.size:
            self._take(name, plain, depth)
            return
        for number, value in enumerate(values):
            self._take(f"{name}[{number}]", value, depth + 1)


#: Examines arrays: see :class:`Doctor`.
doctor = Doctor()
