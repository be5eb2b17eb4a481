"""Names, closures and lock texts: the pure half of the environment."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from lentiq_jupyter.environment import Distribution, Installed, Naming, name_distributions
from lentiq_jupyter.environment.closure import close
from lentiq_jupyter.environment.installed import origin
from lentiq_jupyter.environment.locking import make_lock
from lentiq_jupyter.environment.names_table import table
from lentiq_jupyter.environment.naming import Need, parse_requirement
from lentiq_jupyter.environment.uv_compile import Pin, parse_pins
from lentiq_jupyter.model import Facts, HiddenNeed, ImportFact, InstallFact, Package, Place, Witness

PLACE = Place(file="nb.ipynb", line=1, cell=0)


def facts(*imports: str, lines: tuple[str, ...] = (), hidden: tuple[str, ...] = (), optional: tuple[str, ...] = ()):
    return Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE) for one in imports)
        + tuple(ImportFact(module=one, place=PLACE, optional=True) for one in optional),
        installs=tuple(InstallFact(requirement=one, place=PLACE) for one in lines),
        hidden=tuple(HiddenNeed(distribution=one, because="call", place=PLACE) for one in hidden),
    )


def kernel(*distributions: Distribution) -> Installed:
    markers = {"python_version": "3.11", "sys_platform": "linux"}
    return Installed(python="3.11", markers=markers, stdlib=frozenset({"os"}), distributions=distributions)


def named(*arguments, **keywords) -> list[tuple[str, Witness]]:
    return [(need.name, need.witness) for need in name_distributions(*arguments, **keywords).needs]


def test_without_a_kernel_tables_name_and_the_rest_is_guessed():
    found = named(facts("os.path", "sklearn.svm", "PIL.Image", "numpy", "google.colab", "urllib2", "lentiq_jupyter"))
    assert found == [("scikit-learn", Witness.TABLE), ("pillow", Witness.TABLE), ("numpy", Witness.TABLE)]


def test_the_kernel_names_what_it_has():
    installed = kernel(Distribution(name="My_Fork", version="1", modules=("sklearn",)))
    assert named(facts("sklearn.svm"), installed) == [("my-fork", Witness.KERNEL)]


def test_parts_of_a_shared_namespace_are_told_apart():
    installed = kernel(
        Distribution(name="google-cloud-storage", version="1", modules=("google.cloud.storage",)),
        Distribution(name="protobuf", version="1", modules=("google.protobuf", "google._upb")),
    )
    assert named(facts("google.cloud.storage", "google.protobuf.json_format"), installed) == [
        ("google-cloud-storage", Witness.KERNEL),
        ("protobuf", Witness.KERNEL),
    ]


def test_of_two_owners_the_table_decides():
    owners = [Distribution(name=name, version="1", modules=("cv2",)) for name in ("a-fork", "opencv-python-headless")]
    assert named(facts("cv2"), kernel(*owners)) == [("opencv-python-headless", Witness.KERNEL)]


def test_an_install_line_decides_between_the_names_of_an_import():
    found = name_distributions(facts("cv2", lines=("opencv-python-headless>=4",)))
    assert [(need.requirement, need.witness) for need in found.needs] == [("opencv-python-headless>=4", Witness.LINE)]


def test_an_import_nothing_knows_is_in_the_repository_that_a_line_installs():
    lines = ("git+https://h.invalid/me/strange-tool.git", "git+https://h.invalid/acme/docs")
    found = name_distributions(facts("strange_tool", "acme_docs.api", lines=lines))
    assert [(need.requirement, need.module) for need in found.needs] == [
        ("strange-tool @ git+https://h.invalid/me/strange-tool.git", "strange_tool"),
        ("docs @ git+https://h.invalid/acme/docs", "acme_docs.api"),
    ]


def test_an_install_line_that_nothing_uses_stays_out_and_is_told():
    found = name_distributions(facts("numpy", lines=("numpy>=1", "protobuf==3.20.1", "jupyter")))
    assert [need.requirement for need in found.needs] == ["numpy>=1"]
    assert [need.requirement for need in found.unused] == ["protobuf==3.20.1", "jupyter"]


def test_a_line_counts_where_a_rule_or_an_extra_asks_for_it():
    lines = ("openpyxl<3.2", "transformers[sentencepiece]", "sentencepiece")
    found = name_distributions(facts("pandas", "transformers", lines=lines, hidden=("openpyxl",)))
    assert ([need.requirement for need in found.needs], found.unused) == (
        ["pandas", "transformers[sentencepiece]", "openpyxl<3.2", "sentencepiece"],
        (),
    )


def test_a_line_counts_where_the_kernel_has_it_for_an_extra():
    there = kernel(
        Distribution(name="dask", version="1", requires=('lz4; extra == "complete"',), modules=("dask",)),
        Distribution(name="lz4", version="4", modules=("lz4",)),
    )
    assert named(facts("dask", lines=("lz4",)), there) == [("dask", Witness.KERNEL), ("lz4", Witness.LINE)]


def test_an_optional_import_counts_where_a_line_installs_it():
    assert named(facts(optional=("cupy",), lines=("cupy",))) == [("cupy", Witness.LINE)]


def test_what_people_write_becomes_what_they_mean():
    found = name_distributions(facts("torch", "sklearn", "cv2", lines=("pytorch==1.8.*", "sklearn", "opencv>=4")))
    assert [need.requirement for need in found.needs] == ["torch==1.8.*", "scikit-learn", "opencv-python>=4"]


def test_files_of_the_users_own_are_never_taken_from_an_index():
    names = ("utils", "helper.plots", "my_stats", "data_utils", "person_pb2", "apex.amp")
    found = name_distributions(facts("numpy", *names))
    assert ([need.name for need in found.needs], [fact.module for fact in found.missing]) == (["numpy"], [*names])


def test_nothing_is_guessed_where_files_of_the_users_own_are_missing():
    found = name_distributions(facts("numpy", "gaussian_thing", "utils"))
    assert ([need.name for need in found.needs], [fact.module for fact in found.missing]) == (
        ["numpy"],
        ["utils", "gaussian_thing"],
    )
    assert named(facts("gaussian_thing")) == [("gaussian-thing", Witness.RESOLVER)]


def test_a_private_name_that_a_line_installs_or_the_kernel_has_is_a_package():
    there = kernel(Distribution(name="config", version="1", modules=("config",)))
    assert named(facts("utils", lines=("utils",))) == [("utils", Witness.LINE)]
    assert named(facts("config"), there) == [("config", Witness.KERNEL)]


def test_what_may_come_from_a_folder_elsewhere_is_only_a_package_if_it_is_well_known():
    modules = ("numpy", "six.moves", "strange_thing")
    made = Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE, elsewhere="../code") for one in modules),
    )
    found = name_distributions(made)
    assert ([need.name for need in found.needs], [fact.module for fact in found.missing]) == (
        ["numpy", "six"],
        ["strange_thing"],
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("google.cloud.secretmanager_v1", "google-cloud-secret-manager"),
        ("google.cloud.aiplatform_v1beta1.types", "google-cloud-aiplatform"),
        ("google.cloud.quite_new", "google-cloud-quite-new"),
        ("google.protobuf.text_format", "protobuf"),
        ("azure.mgmt.network.models", "azure-mgmt-network"),
        ("azure.keyvault.secrets", "azure-keyvault-secrets"),
        ("azure.storage.blob.aio", "azure-storage-blob"),
        ("llama_index.llms.openai", "llama-index-llms-openai"),
        ("llama_index.core.schema", "llama-index-core"),
        ("llama_index", "llama-index"),
        ("airflow.providers.google.cloud.hooks", "apache-airflow-providers-google"),
        ("airflow.models", "apache-airflow"),
        ("mpl_toolkits.basemap", "basemap"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
        ("ruamel.yaml", "ruamel-yaml"),
    ],
)
def test_the_parts_of_a_shared_namespace_have_names_of_their_own(module, name):
    assert named(facts(module)) == [(name, Witness.TABLE)]


@pytest.mark.parametrize(
    "module", ["urllib2", "cPickle", "distutils.core", "imp", "asyncore", "tomllib", "google.colab"]
)
def test_what_some_python_or_a_host_brings_is_no_package(module):
    assert name_distributions(facts(module)) == Naming(needs=())


def test_what_left_the_standard_library_is_what_the_kernel_has_of_it():
    there = kernel(
        Distribution(name="legacy-cgi", version="1", modules=("cgi",)),
        Distribution(name="os-shadow", version="1", modules=("os",)),
    )
    assert named(facts("os.path", "cgi", "imp"), there) == [("legacy-cgi", Witness.KERNEL)]


def test_the_tables_are_normal_and_do_not_contradict_each_other():
    tables = table()
    assert {name for names in tables.names.values() for name in names} <= tables.well_known
    assert not {name for name in tables.names if tables.is_absent(name)}
    assert all(canonicalize_name(name) == name for name in tables.well_known)
    assert not tables.well_known & tables.private


def test_optional_imports_count_only_where_the_kernel_has_them():
    there = kernel(Distribution(name="cupy", version="1", modules=("cupy",)))
    assert named(facts(optional=("cupy",))) == []
    assert named(facts(optional=("cupy",)), there) == [("cupy", Witness.KERNEL)]


def test_a_hidden_need_is_met_by_what_is_there_instead():
    there = kernel(Distribution(name="fastparquet", version="1", modules=("fastparquet",)))
    assert named(facts(hidden=("pyarrow",)), there) == [("fastparquet", Witness.RULE)]
    assert named(facts(hidden=("pyarrow",))) == [("pyarrow", Witness.RULE)]


def test_the_closure_honours_extras_and_markers():
    installed = kernel(
        Distribution(name="A", version="1", requires=("b", 'c; extra == "x"', 'd; sys_platform == "win32"', "gone>2")),
        Distribution(name="b", version="2", requires=("A",)),
        Distribution(name="c", version="3"),
        Distribution(name="d", version="4"),
    )

    def closed(requirement: str) -> tuple[list[str], list[str]]:
        found = close([Need(name="a", requirement=requirement, witness=Witness.KERNEL, why="w")], installed)
        return sorted(found.members), [need.requirement for need in found.missing]

    assert closed("a") == (["a", "b"], ["gone>2"])
    assert closed("a[x]") == (["a", "b", "c"], ["gone>2"])


@pytest.mark.parametrize(
    ("document", "installer", "found"),
    [
        (None, "pip", (None, False)),
        ({"url": "file:///home/me/pkg", "dir_info": {"editable": True}}, "pip", ("file:///home/me/pkg", True)),
        ({"url": "file:///croot/pkg/work", "dir_info": {}}, "conda", (None, False)),
        (
            {"url": "https://me:word@h.invalid/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "pip",
            ("git+https://h.invalid/r.git@abc", False),
        ),
        (
            {"url": "https://h.invalid/a-1.whl", "archive_info": {"hash": "sha256=ff"}},
            "uv",
            ("https://h.invalid/a-1.whl#sha256=ff", False),
        ),
    ],
)
def test_where_a_distribution_came_from(document, installer, found):
    assert origin(document, installer) == found


def test_a_lock_has_one_sorted_pin_a_line_with_its_hashes():
    packages = [
        Package(name=name, version="1", witness=Witness.KERNEL, hashes=(f"sha256:{name}", "sha256:0")) for name in "ba"
    ]
    lines = "a==1 --hash=sha256:a --hash=sha256:0\nb==1 --hash=sha256:b --hash=sha256:0\n"
    assert make_lock(packages, "3.11").requirements == lines


def test_a_lock_shows_no_hashes_unless_every_pin_has_some():
    url = "git+https://h.invalid/r.git@abc"
    packages = [
        Package(name="a", version="1", witness=Witness.KERNEL, hashes=("sha256:a",)),
        Package(name="b", version="2", witness=Witness.KERNEL, url=url),
    ]
    assert make_lock(packages, "3.11").requirements == f"a==1\nb @ {url}\n"


def test_the_resolvers_answer_is_read_with_who_needs_what():
    text = (
        "idna==3.10 \\\n    --hash=sha256:b \\\n    --hash=sha256:a\n    # via requests\nx @ https://h.invalid/x.whl\n"
    )
    assert parse_pins(text) == [
        Pin(name="idna", version="3.10", url=None, hashes=("sha256:a", "sha256:b"), via="requests"),
        Pin(name="x", version="", url="https://h.invalid/x.whl", hashes=()),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("git+https://example.org/a/pricing.git@main", "pricing"),
        ("git+https://example.org/a/pricing.git@v1#egg=Price_Lists&subdirectory=x", "price-lists"),
        ("git+https://example.org/a/pricing#egg=price-lists", "price-lists"),
    ],
)
def test_address_is_named_by_its_egg_before_its_path(text: str, name: str) -> None:
    assert parse_requirement(text) == (name, f"{name} @ {text}")
