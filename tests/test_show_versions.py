import torch

from sklearn_ladder import __version__, show_versions
from sklearn_ladder.network import _kernels


def test_says_versions_and_path(capsys):
    show_versions()
    printed = capsys.readouterr().out
    assert f"sklearn_ladder: {__version__}" in printed
    assert f"torch: {torch.__version__}" in printed
    instruction_set = _kernels.instruction_set()
    path = f"compiled ({instruction_set})" if _kernels.is_available() else "torch"
    assert f"training step on CPU: {path}" in printed


def test_without_compiled_functions(capsys):
    with _kernels.disabled():
        show_versions()
    printed = capsys.readouterr().out
    assert "training step on CPU: torch" in printed
    assert "OpenMP in compiled functions: not used" in printed


def test_a_missing_dependency_is_none(capsys, monkeypatch):
    monkeypatch.setattr("sklearn_ladder._show_versions.DEPENDENCIES", ("no-package",))
    show_versions()
    assert "no-package: None" in capsys.readouterr().out
