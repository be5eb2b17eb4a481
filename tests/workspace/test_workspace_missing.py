"""What errors of real libraries say is missing. The messages are theirs, word for word."""

from __future__ import annotations

import pytest

from lentiq_jupyter.workspace.missing import Kind, Missing, missing_of
from lentiq_jupyter.workspace.proving import excuse_of
from lentiq_jupyter.workspace.verifying import Failure

SUBPROCESS = "File subprocess.py:1955, in Popen._execute_child(self, args)"


@pytest.mark.parametrize(
    ("name", "message", "trace", "kind", "names"),
    [
        ("ModuleNotFoundError", "No module named 'openpyxl'", "", Kind.MODULE, ("openpyxl",)),
        ("ModuleNotFoundError", "No module named 'google.cloud.storage'", "", Kind.MODULE, ("google.cloud.storage",)),
        (
            "ImportError",
            "Missing optional dependency 'openpyxl'.  Use pip or conda to install openpyxl.",
            "",
            Kind.OPTIONAL,
            ("openpyxl",),
        ),
        (
            "ImportError",
            "`Import tables` failed. Use pip or conda to install the tables package.",
            "",
            Kind.OPTIONAL,
            ("tables",),
        ),
        (
            "ImportError",
            "Unable to find a usable engine; tried using: 'pyarrow', 'fastparquet'.\nA suitable version of pyarrow or "
            "fastparquet is required for parquet support.",
            "",
            Kind.OPTIONAL,
            ("pyarrow", "fastparquet"),
        ),
        ("ImportError", "Install s3fs to access S3", "", Kind.OPTIONAL, ("s3fs",)),
        ("ImportError", "Please install gcsfs to access Google Storage", "", Kind.OPTIONAL, ("gcsfs",)),
        ("ImportError", "lxml not found, please install it", "", None, ()),
        ("ImportError", "html5lib not found, please install html5lib to use it", "", Kind.OPTIONAL, ("html5lib",)),
        (
            "ImportError",
            "matplotlib is required for plotting. pip install matplotlib",
            "",
            Kind.OPTIONAL,
            ("matplotlib",),
        ),
        ("ModuleNotFoundError", "the h5netcdf library must be installed", "", Kind.OPTIONAL, ("h5netcdf",)),
        (
            "ValueError",
            "unrecognized engine 'zarr' must be one of your download engines: ['scipy', 'store']. To install "
            "additional dependencies, see: …",
            "",
            Kind.PLUGIN,
            ("zarr",),
        ),
        (
            "NoSuchModuleError",
            "Can't load plugin: sqlalchemy.dialects:duckdb",
            "",
            Kind.PLUGIN,
            ("duckdb",),
        ),
        (
            "ValueError",
            "Could not find plotting backend 'hvplot'. Ensure that you've installed the package providing the 'hvplot' "
            "entrypoint, or that the package has a top-level `.plot` method.",
            "",
            Kind.PLUGIN,
            ("hvplot",),
        ),
        (
            "ImportError",
            "libGL.so.1: cannot open shared object file: No such file or directory",
            "",
            Kind.LIBRARY,
            ("libGL.so.1",),
        ),
        (
            "OSError",
            "/opt/x/lib_lightgbm.so: libgomp.so.1: cannot open shared object file: No such file or directory",
            "",
            Kind.LIBRARY,
            ("libgomp.so.1",),
        ),
        ("OSError", "sndfile library not found", "", Kind.LIBRARY, ("sndfile",)),
        ("OSError", "PortAudio library not found", "", Kind.LIBRARY, ("PortAudio",)),
        ("ImportError", "failed to find libmagic.  Check your installation", "", Kind.LIBRARY, ("magic",)),
        ("ImportError", "Unable to find zbar shared library", "", Kind.LIBRARY, ("zbar",)),
        (
            "OSError",
            'no library called "cairo-2" was found\nno library called "cairo" was found',
            "",
            Kind.LIBRARY,
            ("cairo-2",),
        ),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'dot'", SUBPROCESS, Kind.PROGRAM, ("dot",)),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'sales'", "open('sales')", None, ()),
        (
            "ExecutableNotFound",
            "failed to execute PosixPath('dot'), make sure the Graphviz executables are on your systems' PATH",
            "",
            Kind.PROGRAM,
            ("dot",),
        ),
        (
            "TesseractNotFoundError",
            "tesseract is not installed or it's not in your PATH. See README file for more information.",
            "",
            Kind.PROGRAM,
            ("tesseract",),
        ),
        (
            "PDFInfoNotInstalledError",
            "Unable to get page count. Is poppler installed and in PATH?",
            "",
            Kind.PROGRAM,
            ("poppler",),
        ),
        ("RuntimeError", "Java gateway process exited before sending its port number", "", Kind.PROGRAM, ("java",)),
        ("OSError", "No wkhtmltopdf executable found: \"b''\"", "", Kind.PROGRAM, ("wkhtmltopdf",)),
        ("ZeroDivisionError", "division by zero", "", None, ()),
        ("AssertionError", "", "", None, ()),
    ],
)
def test_message_of_a_library_names_what_is_missing(
    name: str, message: str, trace: str, kind: Kind | None, names: tuple[str, ...]
) -> None:
    found = missing_of(Failure(reason=f"{name}: {message}", name=name, message=message, trace=trace, cell=0))
    if kind is None:
        # A word in quotes may still be tried as the name of a plug-in, which only the kernel can confirm.
        assert found is None or found.kind is Kind.PLUGIN
    else:
        assert found is not None
        assert (found.kind, found.names) == (kind, names)


def test_group_of_entry_points_is_read_from_the_failing_code() -> None:
    trace = "----> 2 engine = list(entry_points(group='demo.readers'))[0]"
    found = missing_of(Failure(reason="", name="IndexError", message="list index out of range", trace=trace))
    assert found is not None
    assert found.groups == ("demo.readers",)


@pytest.mark.parametrize(
    ("name", "message", "excused"),
    [
        ("URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>", True),
        ("OperationalError", 'could not translate host name "db" to address: Name or service not known', True),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'sales.csv'", True),
        ("LookupError", "\n  Resource punkt not found.\n  Please use the NLTK Downloader", True),
        ("OSError", "[E050] Can't find model 'en_core_web_sm'. It doesn't seem to be a Python package", True),
        ("KeyError", "'x'", False),
        ("ValueError", "bad", False),
    ],
)
def test_run_that_lacks_network_or_data_says_nothing_against_the_block(name: str, message: str, excused: bool) -> None:
    assert bool(excuse_of(Failure(reason="", name=name, message=message, cell=1))) is excused


def test_a_program_that_nobody_knows_is_no_excuse() -> None:
    def excuse(program: str) -> str:
        message = f"[Errno 2] No such file or directory: '{program}'"
        return excuse_of(Failure(reason="", name="FileNotFoundError", message=message, trace=SUBPROCESS, cell=1))

    assert excuse("nothing-of-that-name") == ""
    assert excuse("dot").endswith("a program of the Debian package graphviz that this machine lacks")


def test_a_stopped_proof_lacks_nothing() -> None:
    assert missing_of(Failure(reason="it runs longer", message="No module named 'x'", stopped=True)) is None
    assert isinstance(Missing(kind=Kind.MODULE, names=("x",)), Missing)
