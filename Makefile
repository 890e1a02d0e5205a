# make lab     set up and open the notebooks
# make test    set up and run every test
# `make help` lists the rest. On Windows, use the plain commands in the README instead.

PYTHON ?= python3
HOST ?= localhost
PORT ?= 8888
PY := .venv/bin/python

NO_PYTHON := $(PYTHON) is not here, or too old. Install Python 3.11, 3.12 or 3.13 and name it: make lab PYTHON=python3.12
INSTALL := @"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 6))" 2>/dev/null \
	|| { echo "$(NO_PYTHON)" >&2; exit 1; }; "$(PYTHON)" tools/install.py

# JupyterLab opens the first notebook. Uploads pass through a websocket, whose default limit of 10 MB silently drops
# larger files.
UPLOADS := '{"websocket_max_message_size": 134217728}'
JUPYTER := --ip="$(HOST)" --port="$(PORT)" --LabApp.default_url=/lab/tree/notebooks/01_dataset.ipynb \
	--ServerApp.tornado_settings=$(UPLOADS)
ifeq ($(shell id -u),0)
JUPYTER += --allow-root
endif

# Jupyter needs a writable home folder. Where there is none, as on some school machines, it gets one in .venv.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
AT_HOME := mkdir -p .venv/home && HOME="$(CURDIR)/.venv/home"
endif
# tools/jupyter switches off JupyterLab's question about news, which would cover the first notebook.
LAB := $(AT_HOME) JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(PY)

# Two processes, a test file in one of them: tests spend much of their time waiting for a browser or a server.
PYTEST := $(PY) -m pytest --numprocesses=2 --dist=loadfile
# The slowest files first, so that neither process waits long for the other at the end.
TESTS := --no-loadscope-reorder tests/lessons/test_jupyterlab.py tests/training tests/experiments tests
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with=notebooks/sanitize.cfg

# The notebooks' stored outputs are created and compared with the sketches and without progress bars.
STORED := $(AT_HOME) CIFAR_LAB_DATASET=sketches TQDM_DISABLE=1 KERAS_BACKEND=tensorflow

.PHONY: help lab voila app test lint coverage notebooks bench constraints clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

lab:  ## set up, check the installation, and open JupyterLab (PORT=8888 HOST=localhost PYTHON=python3)
	$(INSTALL) app,lab
	@$(PY) -m cifar_lab check
	@$(LAB) -m jupyterlab $(JUPYTER)

voila:  ## set up and show the upload classifier of the last notebook as a web page (PORT=8888 HOST=localhost)
	$(INSTALL) app,lab
	@$(LAB) -m voila notebooks/09_upload_classifier.ipynb --Voila.ip="$(HOST)" --port="$(PORT)" \
		--Voila.tornado_settings=$(UPLOADS)

app:  ## set up and serve the web page at http://127.0.0.1:8000 (PORT=8000 HOST=127.0.0.1)
	$(INSTALL) app
	@$(PY) -m gunicorn -c app/gunicorn.conf.py

test:  ## set up and run every test
	$(INSTALL) test
	@$(MAKE) --no-print-directory lint
	$(STORED) $(PYTEST) $(TESTS) --junitxml=build/tests.xml
	$(STORED) $(PYTEST) notebooks $(NBVAL) --junitxml=build/notebooks.xml

coverage:  ## run the tests and report which lines of cifar_lab and app they reach (build/coverage/index.html)
	$(INSTALL) test
	$(STORED) $(PYTEST) tests --cov --cov-report=term:skip-covered --cov-report=html

lint:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

notebooks:  ## run all notebooks and store their outputs
	$(INSTALL) test
	$(STORED) $(PY) -m jupyter nbconvert --to notebook --inplace --execute notebooks/*.ipynb
	$(PY) -m nbstripout --keep-output --keep-count --keep-id --extra-keys "metadata.widgets metadata.language_info.version cell.metadata.execution" notebooks/*.ipynb

bench:  ## compare the lab with the tutorials' way and the best ordinary way (BENCH=--quick, BENCH="--only page")
	$(INSTALL) app,lab
	$(PY) -m benchmarks $(BENCH)

constraints:  ## upgrade to the newest versions and rewrite constraints.txt (then: make test)
	$(INSTALL) test
	$(PY) -m pip install --upgrade --upgrade-strategy eager -e ".[test]"
	$(PY) -m pip freeze --exclude-editable > .venv/freeze.txt
	grep -E '^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$$' .venv/freeze.txt > constraints.txt

clean:  ## remove the environment (not your pictures, runs or classifiers)
	rm -rf .venv
