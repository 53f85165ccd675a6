# `make demo` and `make test` work on a fresh machine: they set up what they need first.
SHELL := /bin/bash
PYTHONS := python3.13 python3.12 python3.11
# Each name is run: it may be a shim with no Python behind it, or a Python without venv.
PYTHON ?= $(firstword $(foreach name,$(PYTHONS),$(shell $(name) -c 'import ensurepip' 2>/dev/null && echo $(name))) python3.11)
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo matrix status table compare report pull doctor test quick check setup ffmpeg chromium slurm lint lock docs

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup  ## set up, train on the embedded songs, score, make the page to listen on
	dvc repro
	@python -m study.scores
	@git diff --quiet -- dvc.lock inputs metrics || echo "dvc.lock and metrics/ now hold the results of this machine; 'git restore dvc.lock inputs metrics' brings the committed ones back"

JOBS ?= 2
RUNNER ?= local
export SBATCH
SORT ?= museval.sdr
matrix: setup  ## the experiments of `matrix`, or of a study (STUDY=ladder), JOBS at a time; on a cluster: RUNNER=slurm, docs/cluster.md
	@python -m study.matrix --jobs $(JOBS) $(if $(STUDY),--study "$(STUDY)") \
	  --runner $(RUNNER) $(if $(SBATCH),--sbatch="$$SBATCH") $(if $(DETACH),--detach)

status: setup  ## a line per experiment: missing, waiting, running, done or failed
	@python -m study.status $(if $(STUDY),--study "$(STUDY)")

table: setup  ## the finished experiments: what differs, the scores that matter (make table SORT=global.sdr)
	@python -m study.table --sort $(SORT)

compare: setup  ## the finished experiments beside Table I; writes metrics/matrix.csv, docs/matrix.png
	@python -m study.compare --csv metrics/matrix.csv --picture docs/matrix.png

BASE ?= main
export BASE
report: setup  ## run what has changed; what it did to BASE's results (make report BASE=main)
	@python -m study.report --base "$$BASE" --repro

pull: setup  ## results from the DVC remote, if there is one
	@bash scripts/pull_cache.sh

# Before anything is installed, any Python does.
doctor:  ## what this machine lacks, and how to fix it
	@for python in .venv/bin/python "$(PYTHON)" python3 python; do \
	  "$$python" -c '' 2>/dev/null && exec "$$python" -m study.doctor; \
	done; echo "no Python runs here; install Python 3.11, 3.12 or 3.13" >&2; exit 1

docs: .venv/.docs  ## the documentation site, in build/docs
	python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

test: setup docs lint  ## the whole test suite
	pytest --numprocesses auto --dist worksteal --durations 15

quick: setup  ## the tests that take no minute
	pytest --numprocesses auto --dist worksteal -m "not slow"

check: setup  ## hold params.yaml against its schema
	@python -m stages.inputs

slurm:  ## SLURM's daemons, for the tests of the runner for clusters
	@bash scripts/install_slurm.sh

lint: setup
	ruff check .

setup: .venv/.done ffmpeg  ## .venv with the pinned packages, and ffmpeg

# Byte code is compiled on all cores at once: pip would take one, and where Python is told to write
# none (PYTHONDONTWRITEBYTECODE) every process would compile TensorFlow anew.
# The package is installed editable for the `vocalseg` command; stages never rely on it.
.venv/.done: requirements.txt pyproject.toml
	@python="$(PYTHON)"; "$$python" -c 'import ensurepip' 2>/dev/null || { echo "$$python: no Python that runs and has venv; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }; \
	echo "$$python -m venv .venv"; "$$python" -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	-.venv/bin/python -m compileall -q -j 0 .venv/lib
	@touch $@

# Apart from the others: a first run of the pipeline does not wait for them.
.venv/.docs: docs/requirements.txt .venv/.done
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

ffmpeg:
	@bash scripts/install_ffmpeg.sh

chromium:  ## a browser, for the test of the page to listen on
	@bash scripts/install_chromium.sh

lock:  ## pin the newest versions that fit pyproject.toml
	python -m pip install --quiet uv
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-annotate --no-header \
	  --fork-strategy fewest --no-emit-index-url --no-emit-find-links --upgrade pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --group docs --no-annotate --no-header \
	  --fork-strategy fewest --no-emit-index-url --no-emit-find-links --upgrade \
	  --constraint requirements.txt -o docs/requirements.txt
