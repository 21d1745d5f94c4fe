"""The compiled functions; pyproject.toml has all else.

They are optional. Without GCC or clang the package is installed without them, and torch
computes everything.
"""

import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# -fno-math-errno and -fno-trapping-math change no result: they let the compiler
# vectorize square roots and conditions.
FLAGS = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]


class BuildWithOpenMPIfPossible(build_ext):
    def build_extension(self, extension):
        extension.extra_compile_args = [*FLAGS, "-fopenmp"]
        extension.extra_link_args = ["-fopenmp"]
        try:
            super().build_extension(extension)
        except Exception as error:  # each compiler has its own
            self.warn(f"no build with OpenMP, so once more without it: {error}")
            extension.extra_compile_args = FLAGS
            extension.extra_link_args = []
            super().build_extension(extension)


kernels = Extension(
    "sklearn_ladder.network._kernels_compiled",
    ["sklearn_ladder/network/_kernels.c"],
    depends=["sklearn_ladder/network/_kernels_body.h"],
    libraries=["m"],
    # It uses nothing of Python, so it works with all versions.
    py_limited_api=True,
    optional=True,
)

setup(
    # Microsoft's compiler does not know the vector types.
    ext_modules=[] if sys.platform == "win32" else [kernels],
    cmdclass={"build_ext": BuildWithOpenMPIfPossible},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
