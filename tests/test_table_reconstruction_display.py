"""Pictures of hidden entries of a table."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import r2_score

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import TableReconstructionDisplay

from_estimator = TableReconstructionDisplay.from_estimator


@pytest.fixture(scope="module")
def table():
    """Two features that tell each other, and one that is noise."""
    rng = np.random.RandomState(0)
    x = rng.normal(size=200)
    return pd.DataFrame(
        {"x": x, "twice": 2 * x + 0.1 * rng.normal(size=200), "z": rng.normal(size=200)}
    )


@pytest.fixture(scope="module")
def clf(table):
    return LadderClassifier((16,), max_epochs=60, random_state=0).fit(
        table, table["x"] > 0
    )


@pytest.fixture(scope="module")
def mixed(table):
    sizes = np.where(table["x"] > 0, "large", "small").astype(object)
    sizes[:20] = None
    return table.assign(size=pd.Series(sizes), flag=table["z"] > 0, count=3)


@pytest.fixture(scope="module")
def mixed_clf(mixed):
    return LadderClassifier((16,), max_epochs=60, random_state=0).fit(
        mixed, mixed["x"] > 0
    )


def test_only_hidden_entries(clf, table, pyplot):
    display = from_estimator(clf, table, missing_share=0.3, random_state=0, s=3)
    hidden = np.random.RandomState(0).uniform(size=table.shape) < 0.3
    expected = clf.denoise(table.mask(hidden))
    for number, (name, ax) in enumerate(display.axes_.items()):
        of_feature = hidden[:, number]
        pair = table[name][of_feature], expected[of_feature, number]
        (points,) = ax.collections
        np.testing.assert_allclose(points.get_offsets(), np.c_[pair], rtol=1e-5)
        assert display.scores_[name] == pytest.approx(r2_score(*pair), abs=1e-4)
        assert ax.get_title() == f"{name}\nR² {display.scores_[name]:.2f}"
        assert ax.get_xlim() == ax.get_ylim()
    assert display.scores_["twice"] > 0.3 > display.scores_["z"]
    assert display.categories == {}


def test_categories(mixed_clf, mixed, pyplot):
    display = from_estimator(mixed_clf, mixed, random_state=0)
    assert display.categories == {"size": ["large", "small"]}
    hidden = np.random.RandomState(0).uniform(size=mixed.shape) < 0.2
    hidden &= mixed.notna().to_numpy()  # the value must be known
    of_size = hidden[:, 3]
    large = (mixed["size"][of_size] == "large").to_numpy()
    np.testing.assert_array_equal(display.original["size"], ~large)
    given = mixed.astype({"flag": float, "count": float})
    found = mixed_clf.denoise(given.mask(hidden))["size"][of_size] == "large"
    np.testing.assert_array_equal(display.reconstructed["size"], ~found)
    assert display.scores_["size"] == pytest.approx(np.mean(found == large))
    (shown,) = display.axes_["size"].get_images()
    shares = shown.get_array()
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert shares[1, 0] == pytest.approx(np.mean(~found[large]))
    ticks = [text.get_text() for text in display.axes_["size"].get_xticklabels()]
    assert ticks == ["large", "small"]
    assert set(display.original["flag"]) == {0, 1}  # booleans are numbers


def test_other_containers(table, mixed, pyplot):
    X, y = table.to_numpy(), table["x"] > 0
    clf = LadderClassifier((8,), max_epochs=2, random_state=0).fit(X, y)
    expected = from_estimator(clf, X, random_state=0).reconstructed
    assert list(expected) == ["x0", "x1", "x2"]
    for rows in X.tolist(), csr_matrix(X):
        display = from_estimator(clf, rows, random_state=0)
        np.testing.assert_array_equal(display.reconstructed["x1"], expected["x1"])
    X = np.c_[X, np.arange(200) % 3]
    clf = LadderClassifier((8,), max_epochs=2, categorical_features=[3]).fit(X, y)
    assert from_estimator(clf, X).categories == {"x3": [0, 1, 2]}


def test_polars(mixed_clf, mixed, pyplot):
    polars = pytest.importorskip("polars")
    display = from_estimator(mixed_clf, mixed, random_state=0)
    sizes = [None if pd.isna(size) else size for size in mixed["size"]]
    columns = {name: mixed[name].tolist() for name in mixed} | {"size": sizes}
    frame = polars.DataFrame(columns)
    again = from_estimator(mixed_clf, frame, random_state=0)
    for name in mixed:
        np.testing.assert_array_equal(again.original[name], display.original[name])
        np.testing.assert_allclose(
            again.reconstructed[name], display.reconstructed[name], rtol=1e-5
        )


def test_infrequent_and_unknown_categories(table, pyplot):
    kind = np.array(["a", "b", "c"], dtype=object)[np.arange(200) % 3]
    kind[[7, 8]] = "rare", "rarer"
    frame = table.assign(kind=kind)
    clf = LadderClassifier((8,), max_epochs=2, random_state=0).fit(
        frame, frame["x"] > 0
    )
    display = from_estimator(clf, frame, missing_share=0.99, random_state=0)
    assert display.categories["kind"] == ["a", "b", "c", "(other)"]
    assert (display.original["kind"] == 3).sum() == 2
    known = frame.assign(
        kind=np.where(np.char.startswith(kind.astype(str), "r"), "a", kind)
    )
    clf = LadderClassifier((8,), max_epochs=2, random_state=0).fit(
        known, known["x"] > 0
    )
    display = from_estimator(clf, frame, missing_share=0.99, random_state=0)
    assert set(display.original["kind"]) == {0, 1, 2}  # without the unknown one


def test_which_features_and_samples(clf, table, pyplot):
    display = from_estimator(clf, table, features=["z", 0])
    assert list(display.axes_) == ["z", "x"]
    few = from_estimator(clf, table, missing_share=0.99, max_samples=10)
    assert all(len(values) <= 10 for values in few.original.values())
    one = from_estimator(clf, table[:1], missing_share=0.01, random_state=0)
    assert all(np.isnan(score) for score in one.scores_.values())
    with pytest.raises(ValueError, match="features must name at least one"):
        from_estimator(clf, table, features=[])
    for wrong in ["w"], [3], [-1], [1.0]:
        with pytest.raises(ValueError, match="features must be names or numbers"):
            from_estimator(clf, table, features=wrong)
    for wrong in 0, 1, "all":
        with pytest.raises(ValueError, match="missing_share must be between 0 and 1"):
            from_estimator(clf, table, missing_share=wrong)


def test_grid_fits_the_figure(clf, table, pyplot):
    for size, shape in {(9, 3): (1, 3), (3, 9): (3, 1), (4, 4): (2, 2)}.items():
        figure = pyplot.figure(figsize=size)
        display = from_estimator(clf, table, figure=figure)
        grid = display.axes_["x"].get_subplotspec().get_gridspec()
        assert (grid.nrows, grid.ncols) == shape
        assert len(figure.axes) == 3  # none is empty


def test_network_without_decoder(table, pyplot):
    clf = LadderClassifier((8,), max_epochs=1, variant="gamma")
    clf.fit(table, table["x"] > 0)
    with pytest.raises(AttributeError, match="has no attribute 'denoise'"):
        from_estimator(clf, table)


@pytest.mark.parametrize("form", ["coo", "bsr"])
def test_sparse_samples_of_each_format(clf, table, form, pyplot):
    X = csr_matrix(table.to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no feature names
        found, expected = (
            from_estimator(clf, each, random_state=0).scores_
            for each in (X.asformat(form), X)
        )
    assert found == expected
