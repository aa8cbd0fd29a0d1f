"""What pages and notebooks show is run."""

import json
import re
from pathlib import Path

import pytest

from gpu_mlp import _native

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples" / "python").glob("*.ipynb"))


def code(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_lines_of_the_readme_work_as_they_stand(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = code(ROOT / "README.md")
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "First wrong: p - softmax-whole-batch" in capsys.readouterr().out


def test_the_lines_of_the_page_are_python():
    blocks = code(ROOT / "docs" / "python.md")
    assert len(blocks) >= 5
    for block in blocks:
        compile(block, "python.md", "exec")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, monkeypatch, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    if not hasattr(_native, "program"):
        pytest.skip("this build has no program inside")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    variables: dict = {}
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), variables)
    assert variables


def test_there_are_three_notebooks_and_they_were_run():
    assert [path.stem for path in NOTEBOOKS] == ["question", "seeds", "table"]
    for notebook in NOTEBOOKS:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs and not any(output["output_type"] == "error" for output in outputs), notebook
