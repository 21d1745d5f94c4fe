# `make demo`, `make test` and `make docs` make their own environment.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: demo test docs lint clean

demo: $(VENV)/ready
	$(RUN) examples/digits.py

test: $(VENV)/ready
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n auto --dist worksteal

# -W: a warning is an error. --keep-going: show all of them.
docs: $(VENV)/ready-for-docs
	OMP_NUM_THREADS=1 $(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html

lint: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# torch first and alone: its pinned version decides which build is taken
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -c constraints.txt torch
	$(VENV)/bin/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(VENV)/ready-for-docs: $(VENV)/ready
	$(VENV)/bin/pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) docs/_build docs/gallery docs/reference/generated
