"""scikit-learn's own checks."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ladder import LadderClassifier

EXPECTED_FAILURES = {
    "check_classifiers_classes": "uses -1 as a class label, which means unlabeled here",
    # one name up to scikit-learn 1.6, two from then on
    **{
        f"check_sample_weight_equivalence{of}": (
            "weighted and repeated rows make different batches: stochastic training is "
            "equivalent in expectation only"
        )
        for of in ("", "_on_dense_data", "_on_sparse_data")
    },
}


# As scikit-learn does with its own iterative estimators: the checks ask for behaviour,
# not for convergence.
FEW = {"max_epochs": 12}


@parametrize_with_checks(
    [
        LadderClassifier(**FEW),
        LadderClassifier(**FEW, variant="gamma"),
        LadderClassifier(**FEW, variant="supervised"),
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_estimator(estimator, check):
    check(estimator)
