"""IPython's additions to Python: cell magics taken apart, line magics and shell lines turned into calls."""

from __future__ import annotations

import re

from ..model import record

# Cell magics whose body is Python that runs in the notebook's namespace.
_PYTHON_NAMES = """
capture debug lprun memit memory_profile mprun prun px parallel time timeit timed snakeviz pyinstrument scalene
wandb mlflow python python3 python2 pypy ipytest run_pytest manim local spark_local skip heat mypy nbqa
"""
_PYTHON = frozenset(_PYTHON_NAMES.split())
_SHELL = frozenset(["!", "bash", "sh", "script", "sx", "system", "cmd", "shell", "zsh", "ksh", "powershell"])
_FILE = frozenset(["writefile", "file", "writetemplate", "writefilev"])
# Cell magics whose body is another language, even where it happens to parse as Python.
_OTHER_NAMES = """
HTML R Rmagic SVG bigquery css cypher dart duckdb fortran gremlin graph_notebook html javascript js julia latex
kql markdown mermaid node octave perl plantuml ruby sagemaker scala sparksql sparql spark sql stan svg typescript
configure help send_to_spark cpp cu cuda cuda_group_run matlab
"""
_OTHER = frozenset(_OTHER_NAMES.split())
# Line magics whose rest is Python.
_STATEMENT = frozenset(["time", "timeit", "prun", "memit", "mprun", "lprun", "snakeviz", "pyinstrument", "debug"])
_OPTION = re.compile(r"-(?:[nrtfslDTmq]\s*\S+|[a-zA-Z]\S*)\s+")
_CELL = re.compile(r"%%(\S+)[ \t]*(.*)")
_WHOLE = re.compile(r"%(md|md-sandbox|scala|fs|sh|python)\b[ \t]*(.*)")  # as Databricks writes cell magics
_LINE = re.compile(r"([ \t]*)(?:(\w[\w.\[\]'\", \t]*)=[ \t]*)?(!!|!|%)(?![=%\s])(.*)", re.DOTALL)
_HELP = re.compile(r"[ \t]*(?:\?{1,2}[ \t]*%{0,2}[\w.*]+|%{0,2}[\w.*]+(?:\[[^\]]*\])?[ \t]*\?{1,2})[ \t]*(?:#.*)?")
_COMPOUND = re.compile(r"(?:for|while|if|with|try|def|class|async)\b")
_CYTHON_IMPORT = re.compile(r"[ \t]*(?:import|from)[ \t].*")


@record
class Split:
    """What one cell consists of. `python` keeps the cell's line numbers; `writes` is path and text of a file.

    `unsure`: an unknown magic stands above `python`, so that it is Python only if all of it parses.
    """

    python: str = ""
    shell: str = ""
    magic: str = ""
    writes: tuple[str, str] | None = None
    unsure: bool = False


def split_cell(source: str) -> Split:
    """Take a leading cell magic off a cell; comments may stand above it.

    Python bodies keep their line numbers: the magic's own line becomes an empty one, or the
    statement that ``%%timeit`` takes there.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    found = _CELL.match(lines[first]) or _WHOLE.match(lines[first])
    if found is None:
        return Split(python=source)
    name, rest, body = found[1], found[2].strip(), "\n".join(lines[first + 1 :])
    above = "\n" * (first + 1)
    if name in _FILE:
        words = [word for word in rest.split() if word not in ("-a", "--append")]
        return Split(magic=name, writes=(" ".join(words).strip("'\""), body) if words else None)
    if name in _SHELL:
        if re.search(r"\bpython", rest):
            return Split(magic=name, python=above + body)
        return Split(magic=name, shell=above + body)
    if name == "cython" or name == "cython_inline":
        kept = "\n".join(line if _CYTHON_IMPORT.fullmatch(line) else "" for line in lines[first + 1 :])
        return Split(magic=name, python=above + kept)
    if name in _OTHER:
        return Split(magic=name)
    inner = split_cell(body)  # magics may be stacked: %%capture over %%time
    if inner.magic:
        return Split(
            magic=name,
            python=above + inner.python if inner.python else "",
            shell=above + inner.shell if inner.shell else "",
            writes=inner.writes,
            unsure=inner.unsure,
        )
    if name == "timeit" and rest:
        statement = _without_options(rest)
        return Split(magic=name, python="\n" * first + statement + "\n" + body)
    return Split(magic=name, python=above + body, unsure=name not in _PYTHON)


def lines_as_calls(text: str) -> str:
    """The text with magic, shell and help lines as calls, every line where it was.

    Quick and by lines alone: a line inside a string that looks like a magic is changed too.
    """
    if not any(mark in text for mark in "%!?"):
        return text
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        if ("%" in line or "!" in line) and (found := _LINE.fullmatch(line)):
            last = number
            rest = found[4]
            while rest.endswith("\\") and last + 1 < len(lines):
                last += 1
                rest = f"{rest[:-1].rstrip()} {lines[last].strip()}"
            lines[number : last + 1] = [
                _call(found[1], (found[2] or "").rstrip(), found[3], rest),
                *[""] * (last - number),
            ]
            number = last
        elif "?" in line and _HELP.fullmatch(line):
            lines[number] = f"{line[: len(line) - len(line.lstrip())]}pass"
        number += 1
    return "\n".join(lines)


def _call(indent: str, target: str, mark: str, rest: str) -> str:
    if mark in ("!", "!!"):
        function = "getoutput" if target or mark == "!!" else "system"
        made = f"get_ipython().{function}({rest!r})"
        return f"{indent}{target} = {made}" if target else f"{indent}{made}"
    name, _, words = rest.lstrip("%").partition(" ")
    made = f"get_ipython().run_line_magic({name!r}, {words.strip()!r})"
    if target:
        return f"{indent}{target} = {made}"
    statement = _without_options(words.strip()) if name in _STATEMENT else ""
    if statement and _COMPOUND.match(statement):
        return f"{indent}{statement}"
    return f"{indent}{made}; {statement}" if statement else f"{indent}{made}"


def _without_options(words: str) -> str:
    while found := _OPTION.match(words):
        words = words[found.end() :]
    return words
