"""scikit-learn's decorators, with types.

scikit-learn has none, so that a type checker would forget those of a method under its
decorators.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

    def _fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[F], F]: ...

    def available_if(check: Callable[[Any], bool]) -> Callable[[F], F]: ...

    def validate_params(
        parameter_constraints: dict[str, list[Any]],
        *,
        prefer_skip_nested_validation: bool,
    ) -> Callable[[F], F]: ...
else:
    from sklearn.base import _fit_context
    from sklearn.utils._param_validation import validate_params
    from sklearn.utils.metaestimators import available_if

__all__ = ["_fit_context", "available_if", "validate_params"]
