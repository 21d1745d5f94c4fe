"""Wheels with and without a compiler."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("setuptools") is None or not (ROOT / "setup.py").exists(),
        reason="needs setuptools and the sources",
    ),
]


def build(folder, compiler):
    """Build a wheel from a clean copy of the sources; its unpacked files."""
    sources, wheels, unpacked = (folder / name for name in ("in", "out", "unpacked"))
    shutil.copytree(
        ROOT / "sklearn_ladder",
        sources / "sklearn_ladder",
        ignore=shutil.ignore_patterns("*.so", "__pycache__"),
    )
    for name in SOURCES:
        shutil.copy(ROOT / name, sources)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", sources, "-w", wheels),
            *("--no-deps", "--no-build-isolation", "--no-index", "--quiet"),
        ],
        env=os.environ | {"CC": compiler},
        check=True,
    )
    (wheel,) = wheels.iterdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    return unpacked


def printed_with(unpacked, code):
    """What code prints that imports the package from an unpacked wheel."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    return subprocess.check_output(
        [sys.executable, "-c", code], env=environment, cwd=unpacked, text=True
    ).split()


def test_without_compiler(tmp_path):
    """It installs, and an estimator is fitted by torch."""
    unpacked = build(tmp_path, "/bin/false")
    assert not list(unpacked.rglob("*.so"))
    assert (unpacked / "sklearn_ladder" / "py.typed").exists()
    code = (
        "import numpy as np, sklearn_ladder; "
        "from sklearn_ladder.network import _kernels; "
        "print(sklearn_ladder.__file__, _kernels.is_available()); "
        "X = np.random.RandomState(0).normal(size=(40, 3)); "
        "y = np.where(np.arange(40) < 20, X[:, 0] > 0, -1); "
        "clf = sklearn_ladder.LadderClassifier(max_epochs=2).fit(X, y); "
        "print(clf.predict(X[:1])[0] in (0, 1))"
    )
    file, *others = printed_with(unpacked, code)
    assert file.startswith(str(unpacked))
    assert others == ["False", "True"]


@pytest.mark.skipif(
    shutil.which("gcc") is None or sys.platform != "linux", reason="needs GCC"
)
def test_with_compiler(tmp_path):
    """The wheel has the compiled functions, and not their sources."""
    unpacked = build(tmp_path, "gcc")
    assert len(list(unpacked.rglob("_kernels_compiled*.so"))) == 1
    assert not list(unpacked.rglob("*.[ch]"))
    code = (
        "import sklearn_ladder; from sklearn_ladder.network import _kernels; "
        "print(sklearn_ladder.__file__, _kernels.is_available())"
    )
    file, is_available = printed_with(unpacked, code)
    assert file.startswith(str(unpacked))
    assert is_available == "True"
