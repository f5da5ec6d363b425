"""Run a notebook in a fresh kernel, and keep nothing of the run but what it computed.

No times, counts, addresses or absolute paths: so building twice gives the same bytes.
"""

import ast
import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.util import ensure_async
from nbformat import NotebookNode

from tools import myst

ROOT = myst.ROOT
TEXTS = ("text/plain", "text/markdown", "text/latex")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Kernel(NotebookClient):
    """nbclient, which also computes the {eval} of a Markdown cell when it comes to that cell."""

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **how: Any) -> NotebookNode:
        if cell.cell_type != "markdown":
            return await super().async_execute_cell(cell, cell_index, **how)
        expressions = myst.evaluations(cell.source)
        if expressions:
            asked = {str(i): f"str({expression})" for i, expression in enumerate(expressions)}
            message = await ensure_async(self.kc.execute("", silent=True, user_expressions=asked))
            reply = await self.async_wait_for_reply(message)
            answers = reply["content"]["user_expressions"]
            values = []
            for i, expression in enumerate(expressions):
                answer = answers[str(i)]
                if answer["status"] != "ok":
                    raise myst.ChapterError(f"{{eval}}`{expression}`: {answer['ename']}: {answer['evalue']}")
                values.append(ast.literal_eval(answer["data"]["text/plain"]))
            cell.source = myst.substitute(cell.source, values)
        return cell


def execute(notebook: NotebookNode, name: str, seconds: float = 90, root: Path = ROOT) -> NotebookNode:
    """Run every cell, in notebooks/, with one thread for linear algebra; return the notebook, tidied.

    Raises ChapterError naming the notebook and the cell that failed, wrote to stderr or printed
    what will differ on the next machine.
    """
    environment = {
        **os.environ,
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(root),
        "RLCORE_PROGRESS": "0",  # nobody watches
    }
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this Python, whatever else is installed
    if sys.platform == "win32":
        import asyncio

        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    ids = _ids(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    with tempfile.TemporaryDirectory() as profile:
        environment["IPYTHONDIR"] = profile  # no history, nobody's startup files
        client = Kernel(
            notebook,
            timeout=int(seconds),
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise myst.ChapterError(f"{name}: a cell failed\n{ANSI.sub('', str(error))}") from None
        except myst.ChapterError as error:
            raise myst.ChapterError(f"{name}: {error}") from None
        except TimeoutError:
            raise myst.ChapterError(f"{name}: a cell took more than {seconds:.0f} s") from None
    _tidy(notebook, ids)
    problems = [f"{name}: {problem}" for problem in noise(notebook, root)]
    if problems:
        raise myst.ChapterError("\n".join(problems))
    return notebook


def noise(notebook: NotebookNode, root: Path = ROOT) -> list[str]:
    """What of the outputs belongs to one run or one machine only."""
    problems = []
    for i, cell in enumerate(notebook.cells):
        if cell.get("execution_count") is not None:
            problems.append(f"cell {i} has an execution count")
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                problems.append(f"cell {i} writes to stderr: {output.text.strip()[:200]}")
            if output.output_type == "error":
                problems.append(f"cell {i} ends in {output.ename}: {output.evalue}")
        for text in texts(cell):
            home = str(Path.home())
            for place in (str(root), *([home] if len(home) > 5 else [])):
                if place in text:
                    problems.append(f"cell {i} shows the path {place} of this machine")
            if re.search(r"(?:^|[\s'\"(])(?:/(?:home|Users|tmp|root|usr)/|[A-Z]:\\)", text):
                problems.append(f"cell {i} shows an absolute path")
            if re.search(r"\b(?:at )?0x[0-9a-f]{6,}\b", text):
                problems.append(f"cell {i} shows an address in memory")
    return problems


def texts(cell: NotebookNode) -> list[str]:
    """What a cell printed and returned, as text."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            found.append(output.text)
        found += [output.data[kind] for kind in TEXTS if kind in output.get("data", {})]
    return found


def _ids(notebook: NotebookNode) -> list[str]:
    """An id a cell, from its source: stable when other cells come and go."""
    seen: dict[str, int] = {}
    ids = []
    for cell in notebook.cells:
        key = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        ids.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return ids


def _tidy(notebook: NotebookNode, ids: list[str]) -> None:
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell, key in zip(notebook.cells, ids):
        cell.id = key
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        outputs: list[NotebookNode] = []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = None
            if "metadata" in output:
                output.metadata = {}
            last = outputs[-1] if outputs else None
            if last and output.output_type == last.output_type == "stream" and output.name == last.name:
                last.text += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs
