"""
========================
Search on a Dask cluster
========================

scikit-learn's searches run on whatever joblib runs on. With a Dask cluster as its
backend, the fits of this search go to the cluster's workers; the code of the search
stays as it is.

``python examples/dask_search.py`` starts two workers on this machine; with an address,
such as ``tcp://scheduler:8786``, it uses the cluster that runs there, whose workers
need the same packages. Wants ``pip install 'sklearn-ladder[distributed]'``.

Takes about 20 seconds.
"""

import sys

import numpy as np
from distributed import Client
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold

X, y = load_digits(return_X_y=True)
y_few = np.where(np.arange(len(y)) < 100, y, -1)
search = GridSearchCV(
    LadderClassifier((32,), n_estimators=1, max_epochs=3, random_state=0),
    {"denoising_cost": [1.0, 1000.0]},
    cv=LabeledStratifiedKFold(3),
)


def n_tasks(dask_worker):
    """Number of tasks that a worker has done."""
    return dask_worker.state.executed_count


# Workers of this machine start by importing this file: only the main program may start
# them. A fit takes one core, since torch's own threads would be in each other's way.
if __name__ == "__main__":
    address = sys.argv[1:]
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with Client(*address) if address else Client(**local) as client:
        with parallel_config(backend="dask"):
            search.fit(X, y_few)
        tasks = list(client.run(n_tasks).values())
    print(f"tasks of each worker: {tasks}")
    print(f"chosen: {search.best_params_}, accuracy {search.best_score_:.3f}")
