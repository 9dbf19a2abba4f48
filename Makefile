# `make demo` and `make test` do everything on a fresh Debian 12/13 or Ubuntu 24.04 machine; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTHON311 ?= python3.11
ARGS ?=

.PHONY: help setup demo test lint docs doctor training-env test-aihwkit response reproduce scoreboard numbers clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup:  ## make .venv with all that demo and test need (dolfinx by apt where it can; a second run is quick)
	@install/setup.sh

demo: setup  ## run the demonstration: from the device to the compact model in a few minutes
	.venv/bin/reram demo $(ARGS)

test: setup  ## run the tests (ARGS="-m fem -x" goes to pytest); FEM tests are skipped where dolfinx is missing
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0 $(ARGS)

lint: setup  ## check style (ruff) and types (mypy)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

docs: setup  ## build the documentation into docs/_build/html, with warnings as errors
	$(PY) -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

doctor: setup  ## say which libraries are there, what each is for and how to install it
	$(PY) -m ground.doctor

training-env: setup  ## add torch and scikit-learn to .venv, for training (the CPU build where pip's settings point to one)
	@install/setup.sh --training

test-aihwkit: .venv-aihwkit/.ready  ## check the exported model in aihwkit itself (own environment, Python 3.11, about 6 GB)
	.venv-aihwkit/bin/python -m pytest -m aihwkit tests/compact_model $(ARGS)

.venv-aihwkit/.ready: pyproject.toml install/constraints-aihwkit.txt
	@command -v $(PYTHON311) >/dev/null || { echo "aihwkit's wheel needs Python 3.11, and there is no $(PYTHON311): name one with PYTHON311=/path/to/python3.11" >&2; exit 1; }
	@echo "installing aihwkit and its torch (about 6 GB, 5 to 20 minutes)"
	$(PYTHON311) -m venv .venv-aihwkit
	.venv-aihwkit/bin/python -m pip install -q -c install/constraints-aihwkit.txt -e ".[dev]" torch aihwkit
	@touch $@

response: setup  ## make the shipped response table again (needs FEM)
	.venv/bin/reram response -o device_physics/response_default.nc $(ARGS)

reproduce: setup  ## draw every figure and compare with every number of the paper, into runs/reproduce
	.venv/bin/reram reproduce $(ARGS)

scoreboard: setup  ## write the scoreboard of README.md anew
	$(PY) -m studies.scoreboard_page README.md

numbers: setup  ## write anew the numbers that docs/ quotes (ARGS=all: those that take minutes, too)
	$(PY) -m studies.numbers_page $(ARGS)

clean:  ## remove what can be made again: environments, caches, build folders (results under runs/ stay)
	rm -rf docs/_build docs/_generated .venv .venv-aihwkit .venv-setup.log build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
