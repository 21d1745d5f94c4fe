"""scikit-learn's own checks."""

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedVotingClassifier,
)

MARKER = {
    "check_classifiers_classes": "uses -1 as a class label, which means unlabeled here",
}
EXPECTED_FAILURES = MARKER | {
    # one name up to scikit-learn 1.6, two from then on
    f"check_sample_weight_equivalence{of}": (
        "weighted and repeated rows make different batches: stochastic training is "
        "equivalent in expectation only"
    )
    for of in ("", "_on_dense_data", "_on_sparse_data")
}


# As scikit-learn does with its own iterative estimators: the checks ask for behaviour,
# not for convergence.
FEW = {"max_epochs": 12}
# A single small network where it is not the ladder that is checked.
SMALL = {**FEW, "n_estimators": 1, "hidden_layer_sizes": (16,)}


@parametrize_with_checks(
    [
        LadderClassifier(**FEW),
        LadderClassifier(**FEW, n_estimators=1, variant="gamma"),
        LadderClassifier(**FEW, n_estimators=1, variant="supervised"),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_estimator(estimator, check):
    check(estimator)


# Of estimators that weigh samples as they repeat them, so that the wrappers must, too.
@parametrize_with_checks(
    [
        LabeledOnlyClassifier(LogisticRegression()),
        SemiSupervisedClassifier(LogisticRegression()),
        ClassPriorClassifier(LogisticRegression()),
        PseudoLabelingClassifier(LogisticRegression(), n_rounds=2),
        PseudoLabelingClassifier(LogisticRegression(), n_rounds=1, n_estimators=2),
        SemiSupervisedVotingClassifier(
            [("nb", GaussianNB()), ("lr", LogisticRegression())]
        ),
    ],
    expected_failed_checks=lambda estimator: MARKER,
)
def test_ensemble(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        LabeledOnlyClassifier(RandomForestClassifier(5, random_state=0)),
        ClassPriorClassifier(LadderClassifier(**SMALL, random_state=0), "auto"),
        PseudoLabelingClassifier(
            LadderClassifier(**SMALL, random_state=0, warm_start=True),
            n_rounds=1,
        ),
        SemiSupervisedVotingClassifier(
            [
                ("ladder", LadderClassifier(**SMALL, random_state=0)),
                ("rf", RandomForestClassifier(5, random_state=0)),
            ]
        ),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_ensemble_of_random_estimators(estimator, check):
    check(estimator)
