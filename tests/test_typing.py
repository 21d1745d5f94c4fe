"""A typed program that uses the package, and the type hints of all that is public.

The gate runs mypy on this file. There, `assert_type` must hold, and each line that
ignores an error must have this error.
"""

import importlib
import inspect
from pathlib import Path
from typing import Any, assert_type, get_args

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ladder
from sklearn_ladder import LadderClassifier, VirtualAdversary, recipes
from sklearn_ladder._typing import Architecture, CombinatorName
from sklearn_ladder.architectures import ARCHITECTURES, Conv, Dense
from sklearn_ladder.ensemble import (
    LabeledOnlyClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.model_selection import (
    LabeledStratifiedKFold,
    hide_labels,
    labeled_scorer,
    labeled_train_test_split,
)
from sklearn_ladder.network._combinators import COMBINATORS
from sklearn_ladder.preprocessing import ZCAWhitener
from sklearn_ladder.robustness import adversarial_error, fast_gradient

X, y = load_iris(return_X_y=True)
y_few = hide_labels(y, per_class=5, random_state=0)


# ----------------------------------------------------------------------- user's program


def test_fit_and_predict() -> None:
    clf = LadderClassifier(
        (8,),
        variant="gamma",
        denoising_cost=[0, 0, 1.0],
        virtual_adversarial=VirtualAdversary("cost", size=0.1, norm="linf"),
        n_estimators=1,
        max_epochs=2,
        random_state=0,
    )
    assert_type(clf.fit(X, y_few), LadderClassifier)
    assert_type(clf.predict(X), npt.NDArray[Any])
    assert_type(clf.predict_proba(X), npt.NDArray[np.float32])
    assert_type(clf.score(X, y), float)
    assert_type(clf.history_["train_loss"], npt.NDArray[Any])
    assert_type(clf.plan_.max_epochs, int)
    assert clf.n_features_in_ == 4


def test_labels_may_be_missing() -> None:
    clf = LadderClassifier(feature_scaling=3, class_weight="balanced", max_epochs=1)
    clf.fit([[0.0], [1.0], [2.0], [3.0]], ["a", "b", None, None])
    assert clf.predict([[0.5]]).shape == (1,)


def test_denoise() -> None:
    clf = LadderClassifier(max_epochs=1).fit(X, y_few)
    assert_type(clf.transform(X), npt.NDArray[np.float32])
    assert np.shape(clf.denoise(X)) == X.shape


def test_search() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LadderClassifier(max_epochs=1)),
        {"ladderclassifier__noise_std": [0.1, 0.3]},
        scoring=labeled_scorer("accuracy"),
        cv=LabeledStratifiedKFold(n_splits=2),
    )
    search.fit(X, y_few)
    assert search.best_score_ > 0
    for train, test in LabeledStratifiedKFold(2, shuffle=True).split(X, y_few):
        assert_type(train, npt.NDArray[np.intp])
        assert not set(train) & set(test)
    assert sorted(labeled_scorer(["accuracy"])) == ["accuracy"]
    X_train, X_test, *_ = labeled_train_test_split(X, y_few, test_size=3)
    assert len(X_train) == 147 and len(X_test) == 3


def test_ensemble() -> None:
    vote = SemiSupervisedVotingClassifier(
        [
            ("ladder", LadderClassifier(max_epochs=1)),
            ("linear", LabeledOnlyClassifier(LadderClassifier(max_epochs=1))),
        ],
        weights=[2, 1],
        class_prior=None,
    )
    assert_type(vote.fit(X, y_few), SemiSupervisedVotingClassifier)
    assert_type(vote.predict_proba(X), npt.NDArray[Any])
    assert_type(vote.set_params(weights=None), SemiSupervisedVotingClassifier)


def test_around_the_classifier() -> None:
    clf = LadderClassifier(max_epochs=1).fit(X, y_few)
    assert_type(fast_gradient(clf, X, y, eps=0.1), npt.NDArray[np.floating[Any]])
    assert_type(adversarial_error(clf, X, y, 0.1), float)
    assert_type(ZCAWhitener().fit(X), ZCAWhitener)
    parameters = recipes.get("rasmus2015-mnist-100-full")
    assert_type(LadderClassifier(**parameters), LadderClassifier)
    layers = [Conv(8, 3, "same"), Dense()]
    assert LadderClassifier(architecture=layers, image_shape=(1, 8, 8))


def test_mistakes_are_found() -> None:
    # by mypy; scikit-learn checks parameters in fit only
    LadderClassifier(variant="gama")  # type: ignore[arg-type]
    LadderClassifier(hidden_layer_sizes="atuo")  # type: ignore[arg-type]
    LadderClassifier(class_prior="prior")  # type: ignore[arg-type]
    LadderClassifier(categorical_features="dtype")  # type: ignore[arg-type]
    LadderClassifier(denoising_cost=None)  # type: ignore[arg-type]
    LadderClassifier(n_estimators=2.5)  # type: ignore[arg-type]
    LadderClassifier(max_epochs="many")  # type: ignore[arg-type]
    VirtualAdversary("noise", norm="l3")  # type: ignore[arg-type]
    LabeledOnlyClassifier(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        LadderClassifier(standardize=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        LadderClassifier().fit(X)  # type: ignore[call-arg]


# ------------------------------------------------------------------- all that is public


def public_objects() -> list[Any]:
    found = []
    for name in sklearn_ladder.__all__:
        entry = getattr(sklearn_ladder, name)
        if not inspect.ismodule(entry):
            found.append(entry)
            continue
        module = importlib.import_module(f"sklearn_ladder.{name}")
        found += [getattr(module, each) for each in module.__all__]
    return [entry for entry in found if callable(entry)]


def functions_of(entry: Any) -> list[Any]:
    """The function itself, or public methods of a class that are this package's."""
    if not inspect.isclass(entry):
        return [inspect.unwrap(entry)]
    functions: dict[str, Any] = {}
    for cls in reversed(entry.__mro__):
        if cls.__module__.startswith("sklearn_ladder"):
            functions |= vars(cls)
    return [
        inspect.unwrap(function)
        for name in functions
        if name == "__init__" or not name.startswith("_")
        for function in [plain(functions[name])]
        if inspect.isfunction(function)
    ]


def plain(attribute: Any) -> Any:
    """The function of a property, a class method, or a method under `available_if`."""
    for name in ("fget", "__func__", "fn"):
        attribute = getattr(attribute, name, attribute)
    return attribute


@pytest.mark.parametrize("entry", public_objects(), ids=lambda e: e.__name__)
def test_all_that_is_public_has_types(entry: Any) -> None:
    functions = functions_of(entry)
    assert functions
    for function in functions:
        if function.__qualname__.startswith("_"):
            continue
        signature = inspect.signature(function)
        missing = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is inspect.Parameter.empty
            and parameter.name not in ("self", "cls")
        ]
        assert not missing, f"{function.__qualname__}: {missing}"
        assert signature.return_annotation is not inspect.Signature.empty, (
            function.__qualname__
        )


def test_type_checkers_are_told_of_the_types() -> None:
    assert (Path(sklearn_ladder.__file__).parent / "py.typed").exists()


def test_names_of_hints_are_those_that_are_accepted() -> None:
    architecture_names, *_ = get_args(Architecture)
    assert set(get_args(architecture_names)) == {"mlp", *ARCHITECTURES}
    assert set(get_args(CombinatorName)) == set(COMBINATORS)
