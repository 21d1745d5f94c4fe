"""Pictures of the top hidden representation."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA, FastICA

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import EmbeddingDisplay

from_estimator = EmbeddingDisplay.from_estimator


@pytest.fixture(scope="module")
def data():
    """Samples of two classes; labels of five per class are known."""
    rng = np.random.RandomState(0)
    y = np.repeat(["no", "yes"], 40)
    few = np.full(80, None)
    few[:5], few[40:45] = "no", "yes"
    return rng.normal(size=(80, 6)) + 2 * (y == "yes")[:, None], y, few


@pytest.fixture(scope="module")
def clf(data):
    X, _, few = data
    return LadderClassifier((8,), max_epochs=8, random_state=0).fit(X, few)


def test_by_label_and_by_prediction(clf, data, pyplot):
    X, _, few = data
    display = from_estimator(clf, X, few, s=3)
    expected = PCA(2).fit_transform(clf.transform(X))
    np.testing.assert_allclose(display.embedding, expected, atol=1e-4)
    by_label, by_prediction = display.points_
    assert set(by_label) == {-1, "no", "yes"}
    assert set(by_prediction) == {"no", "yes"}
    groups = {
        "no": few == "no",
        "yes": few == "yes",
        -1: few == None,  # noqa: E711
    }
    for name, group in groups.items():
        shown = by_label[name].get_offsets()
        np.testing.assert_allclose(shown, expected[group], atol=1e-4)
        assert by_label[name].get_sizes() == [3]
    for name in ("no", "yes"):
        shown = by_prediction[name].get_offsets()
        is_predicted = clf.predict(X) == name
        np.testing.assert_allclose(shown, expected[is_predicted], atol=1e-4)
    for marks in display.marks_:
        labeled = expected[~groups[-1]]
        np.testing.assert_allclose(marks.get_offsets(), labeled, atol=1e-4)
        # the colors of the classes
        faces = marks.get_facecolors()
        np.testing.assert_array_equal(faces[0], by_label["no"].get_facecolors()[0])
        np.testing.assert_array_equal(faces[-1], by_label["yes"].get_facecolors()[0])
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["By label", "By prediction"]
    (legend,) = display.figure_.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["no", "yes", "unlabeled", "labeled"]
    share = PCA(2).fit(clf.transform(X)).explained_variance_ratio_[0]
    assert display.axes_[0].get_xlabel() == f"PC 1 ({share:.0%})"


def test_all_labels_are_known(clf, data, pyplot):
    X, y, few = data
    display = from_estimator(clf, X, y)
    assert not display.marks_
    display = from_estimator(clf, X, y, labeled=pd.notna(few))
    assert len(display.marks_[0].get_offsets()) == 10
    assert set(display.points_[0]) == {"no", "yes"}


def test_only_predictions(clf, data, pyplot):
    display = from_estimator(clf, pd.DataFrame(data[0]).to_numpy())
    assert [ax.get_title() for ax in display.axes_] == ["By prediction"]
    assert display.y is None and not display.marks_


def test_labeled_samples_come_first(clf, data, pyplot):
    X, _, few = data
    display = from_estimator(clf, X, few, max_samples=15, random_state=0)
    assert len(display.embedding) == len(display.y) == 15
    assert display.labeled.sum() == 10
    again = from_estimator(clf, X, few, max_samples=15, random_state=0)
    np.testing.assert_array_equal(display.embedding, again.embedding)
    assert len(from_estimator(clf, X, few, max_samples=4).embedding) == 4


def test_reducers(clf, data, pyplot):
    X, _, few = data
    tsne = from_estimator(clf, X[:50], few[:50], reducer="tsne", random_state=0)
    assert tsne.axis_labels == ("t-SNE 1", "t-SNE 2")
    assert np.isfinite(tsne.embedding).all()
    ica = FastICA(2, random_state=0)
    display = from_estimator(clf, X, few, reducer=ica)
    np.testing.assert_allclose(
        display.embedding, ica.fit_transform(clf.transform(X)), atol=1e-3
    )
    assert display.axis_labels == ("Dimension 1", "Dimension 2")
    with pytest.raises(ValueError, match=r"shape \(n_samples, 2\); got \(80, 3\)"):
        from_estimator(clf, X, few, reducer=PCA(3))
    with pytest.raises(ValueError, match="reducer must be 'pca', 'tsne' or a tr"):
        from_estimator(clf, X, few, reducer="umap")


def test_from_predictions(pyplot):
    rng = np.random.RandomState(0)
    points, y = rng.normal(size=(60, 2)), np.arange(60) % 30
    few = np.where(np.arange(60) < 45, y, -1)
    display = EmbeddingDisplay.from_predictions(points, y, few)
    assert display.labeled.sum() == 45
    assert len(display.points_[1]) == 30
    (legend,) = display.figure_.legends  # too many classes to list
    assert len(legend.get_texts()) == 2
    with pytest.raises(ValueError, match=r"\(n_samples, 2\)"):
        EmbeddingDisplay.from_predictions(points[:, :1], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        EmbeddingDisplay.from_predictions(points, y[:-1])


@pytest.mark.parametrize("layout", ["constrained", None])
def test_shape_of_the_figure(clf, data, pyplot, layout):
    X, _, few = data
    for size, shape in {(8, 4): (1, 2), (4, 8): (2, 1)}.items():
        figure = pyplot.figure(figsize=size, layout=layout)
        display = from_estimator(clf, X, few, figure=figure)
        grid = display.axes_[0].get_subplotspec().get_gridspec()
        assert (grid.nrows, grid.ncols) == shape
        assert display.figure_ is figure
        figure.canvas.draw()


def test_wrong_labels(clf, data, pyplot):
    X, y, _ = data
    with pytest.raises(ValueError, match="y must have labels of"):
        from_estimator(clf, X, np.where(y == "no", "maybe", y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        from_estimator(clf, X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        from_estimator(clf, X, y, labeled=[True])
    for labeled in (np.where(y == "no", -1, 1), ["True"] * len(y)):
        with pytest.raises(ValueError, match="labeled must be booleans"):
            EmbeddingDisplay.from_predictions(X[:, :2], y, y, labeled=labeled)
    with pytest.raises(ValueError, match="labeled must be booleans"):
        from_estimator(clf, X, y, labeled=np.arange(len(X)) % 3 - 1)
    with pytest.raises(ValueError, match="needs at least 2 samples, and 2 units"):
        from_estimator(clf, X[:1])


def test_classes_in_another_order_than_sorted(pyplot):
    embedding = np.arange(8.0).reshape(4, 2)
    y_pred = ["b", "a", "b", "a"]
    display = EmbeddingDisplay(embedding=embedding, y_pred=y_pred, classes=["b", "a"])
    (points,) = display.plot().points_
    np.testing.assert_array_equal(points["a"].get_offsets(), embedding[1::2])


def test_a_single_class_and_no_labels(pyplot):
    embedding = np.arange(8.0).reshape(4, 2)
    display = EmbeddingDisplay.from_predictions(embedding, ["a"] * 4, y=[-1] * 4)
    by_label, by_prediction = display.points_
    assert set(by_label) == {-1} and set(by_prediction) == {"a"}


@pytest.mark.parametrize("form", ["coo", "bsr"])
def test_sparse_samples_of_each_format(clf, data, form, pyplot):
    X = sparse.csr_array(data[0])
    found, expected = (
        from_estimator(clf, each).embedding for each in (X.asformat(form), X)
    )
    np.testing.assert_array_equal(found, expected)


def test_dollar_signs_are_no_formulas(pyplot):
    classes = np.array(["cost_$_per_$_x", "$0-$25k"])
    y = classes[np.arange(10) % 2]
    display = EmbeddingDisplay.from_predictions(np.random.RandomState(0).rand(10, 2), y)
    display.figure_.canvas.draw()
    legends = [
        *display.figure_.legends,
        *(ax.get_legend() for ax in display.axes_.flat),
    ]
    texts = [text.get_text() for each in legends if each for text in each.get_texts()]
    assert texts[:2] == [r"\$0-\$25k", r"cost_\$_per_\$_x"]
