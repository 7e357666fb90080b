# Three commands do everything: `make demo`, `make test` and `make docs`. Each makes its own virtual environment in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test docs tutorials torture clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unseam needs Python 3.11 or newer: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

# Train on real micrographs for two minutes, segment one that was not trained on, score it; look into demo/.
demo: $(VENV)/installed
	rm -rf demo/model
	$(BIN)/unseam demo --out demo

test: $(VENV)/installed
	$(BIN)/ruff check src tests benchmarks docs/site
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet --numprocesses auto --dist worksteal
	$(BIN)/python -m pytest --quiet --doctest-modules src/unseam
	$(BIN)/python -m pytest --quiet -o hang_seconds=300 tests/annotate/page/test_browser_learns.py

# The documentation as a site in site/: open site/index.html. A broken link or a public name without a docstring ends it.
docs: $(VENV)/installed
	$(BIN)/python docs/site/make_site.py site

# Run the tutorials as their readers do, and put what they print and draw into their pages. Minutes; the tests run them in seconds.
tutorials: $(VENV)/installed
	$(BIN)/python docs/site/tutorials.py

# Break things a thousand times: about an hour on one core. SHARE=0.1 does a tenth of it; TESTS="t01 t24" only these; JOBS=2 two at once.
SHARE ?= 1
JOBS ?= 1
torture: $(VENV)/installed
	PYTHONPATH=tests $(BIN)/python -m torture --share $(SHARE) --jobs $(JOBS) $(TESTS)

clean:
	rm -rf $(VENV) demo site
