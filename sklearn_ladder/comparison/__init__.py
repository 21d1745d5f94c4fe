"""Do my unlabeled samples help, and what should I use?

:func:`compare` answers by cross-validation of the labeled samples of a table.
``python -m sklearn_ladder compare FILE --target COLUMN`` does so for a file.
"""

from ._compare import compare
from ._display import ComparisonDisplay
from ._methods import default_methods
from ._result import Comparison

__all__ = ["Comparison", "ComparisonDisplay", "compare", "default_methods"]
