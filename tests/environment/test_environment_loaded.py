"""What modules of a running kernel say about needs that no import shows."""

from __future__ import annotations

from lentiq_jupyter.environment import Distribution, Installed
from lentiq_jupyter.environment.closure import close
from lentiq_jupyter.environment.loaded import read_loaded
from lentiq_jupyter.environment.naming import Need
from lentiq_jupyter.model import Witness

PANDAS = Distribution(
    name="pandas",
    version="2",
    modules=("pandas",),
    requires=(
        'pyarrow>=10; extra == "parquet"',
        'pytest; extra == "test"',
        'pytest; extra == "all"',
        'lxml; extra == "all"',
        'hypothesis>=6; extra == "dev-tools"',
        'fsspec[http]>=2; extra == "fss" and python_version > "3.8"',
    ),
)
KERNEL = Installed(
    python="3.11",
    markers={"python_version": "3.11"},
    stdlib=frozenset({"os"}),
    startup=frozenset({"os", "_distutils_hack"}),
    distributions=(
        PANDAS,
        Distribution(name="pyarrow", version="15", modules=("pyarrow",), requires=("numpy",)),
        Distribution(name="numpy", version="1", modules=("numpy",)),
        Distribution(name="fastparquet", version="1", modules=("fastparquet",)),
        Distribution(name="pytest", version="8", modules=("pytest", "_pytest")),
        Distribution(name="hypothesis", version="6", modules=("hypothesis",)),
        Distribution(name="lxml", version="5", modules=("lxml",)),
        Distribution(name="fsspec", version="24", modules=("fsspec",), requires=('aiohttp; extra == "http"',)),
        Distribution(name="s3fs", version="24", modules=("s3fs",), groups=("fsspec.specs",)),
        Distribution(name="hvplot", version="1", modules=("hvplot",), groups=("pandas_plotting_backends",)),
        Distribution(name="ipykernel", version="7", modules=("ipykernel",), requires=("debugpy", "tornado", "IPython")),
        Distribution(name="IPython", version="9", modules=("IPython",), requires=('numpy; extra == "nice"',)),
        Distribution(name="tornado", version="6", modules=("tornado",)),
        Distribution(name="colorama", version="1", modules=("colorama",)),
        Distribution(name="debugpy", version="1", modules=("debugpy", "_pydevd_bundle")),
        Distribution(name="lentiq-jupyter", version="1", modules=("lentiq_jupyter",), requires=("httpx",)),
        Distribution(name="httpx", version="1", modules=("httpx",)),
        Distribution(name="cv-a", version="1", modules=("cv2",)),
        Distribution(name="cv-b", version="1", modules=("cv2",)),
    ),
)


def needing(*names: str, witness: Witness = Witness.KERNEL) -> list[Need]:
    return [Need(name=name, requirement=name, witness=witness, why=f"why {name}") for name in names]


def explained(*modules: str, roots: tuple[str, ...] = ("pandas",)) -> dict[str, str]:
    members = close(needing(*roots), KERNEL).members
    return {need.name: need.why for need in read_loaded(modules, KERNEL).explained(members, KERNEL)}


def test_option_of_something_needed_is_a_need():
    assert explained("pandas", "pyarrow.lib", "numpy", "lxml.etree") == {
        "lxml": "loaded in the kernel, an option of pandas",
        "pyarrow": "loaded in the kernel, an option of pandas (parquet)",
    }
    assert explained("pyarrow.lib", roots=("numpy",)) == {}


def test_tools_of_developers_are_no_need():
    assert explained("pytest", "_pytest.config", "hypothesis") == {}


def test_plug_in_of_something_needed_is_a_need():
    assert explained("s3fs.core", roots=("fsspec",)) == {"s3fs": "loaded in the kernel, a plug-in of fsspec"}
    assert explained("fsspec.spec", "s3fs") == {"fsspec": "loaded in the kernel, an option of pandas (fss)"}


def test_the_kernels_own_and_this_product_are_no_evidence():
    loaded = read_loaded(
        ["tornado.web", "colorama", "_pydevd_bundle.x", "lentiq_jupyter", "httpx", "cv2", "os", "ours"], KERNEL
    )
    assert loaded.names == frozenset()
    assert read_loaded(["httpx", "numpy.linalg"], KERNEL).names == {"httpx", "numpy"}
    assert explained("numpy", roots=("ipykernel",)) == {}


def test_of_several_ways_the_loaded_one_is_taken():
    (rule,) = needing("pyarrow", witness=Witness.RULE)
    (kept,) = read_loaded(["pyarrow", "fastparquet"], KERNEL).prefer([rule], KERNEL)
    (taken,) = read_loaded(["fastparquet.api"], KERNEL).prefer([rule], KERNEL)
    assert (kept, taken.name, taken.witness) == (rule, "fastparquet", Witness.LOADED)
    assert taken.why == "why pyarrow; loaded in the kernel"
