# `make demo` and `make test` work on a fresh machine: they run `make setup` first.
SHELL := /bin/bash
PYTHONS := python3.13 python3.12 python3.11
# Each candidate is run, because it may be a shim without a Python, or a Python without venv.
PYTHON ?= $(firstword $(foreach name,$(PYTHONS),$(shell $(name) -c 'import ensurepip' 2>/dev/null && echo $(name))) python3.11)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# With this variable, as in many containers, every process would compile TensorFlow's byte code again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo app matrix status table compare listen report pull doctor test quick check setup ffmpeg chromium slurm lint lock docs

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup  ## set up, train the paper's network and the preset on the demo songs, score, make the listening page
	dvc repro
	@python -m study.preset
	@git diff --quiet -- dvc.lock inputs metrics || echo "dvc.lock and metrics/ now hold the results of this machine; 'git restore dvc.lock inputs metrics' restores the committed ones"

app: setup .venv/.app  ## separate songs in a web browser with the last trained model
	vocalseg app

JOBS ?= 2
RUNNER ?= local
export SBATCH
SORT ?= museval.sdr
matrix: setup  ## run the experiments of `matrix`, or of a study (STUDY=ladder), JOBS at a time; on a cluster: RUNNER=slurm
	@python -m study.matrix --jobs $(JOBS) $(if $(STUDY),--study "$(STUDY)") \
	  --runner $(RUNNER) $(if $(SBATCH),--sbatch="$$SBATCH") $(if $(DETACH),--detach)

status: setup  ## show the state of each experiment: missing, waiting, running, done or failed
	@python -m study.status $(if $(STUDY),--study "$(STUDY)")

table: setup  ## list finished experiments with differing parameters and scores (SORT=global.sdr)
	@python -m study.table --sort $(SORT)

compare: setup  ## compare finished experiments with Table I; write metrics/matrix.csv, docs/matrix.png
	@python -m study.compare --csv metrics/matrix.csv --picture docs/matrix.png

listen: setup  ## compare estimates of experiments by ear, on one page with a blind test (EXPERIMENTS="one two")
	@python -m study.listen $(EXPERIMENTS)

BASE ?= main
export BASE
report: setup  ## run changed stages and report how results differ from BASE (BASE=main)
	@python -m study.report --base "$$BASE" --repro

pull: setup  ## pull results from the DVC remote, if there is one
	@bash scripts/pull_cache.sh

# Works with any Python, before anything is installed.
doctor:  ## check what this machine lacks, and how to fix it
	@for python in .venv/bin/python "$(PYTHON)" python3 python; do \
	  "$$python" -c '' 2>/dev/null && exec "$$python" -m study.doctor; \
	done; echo "no Python runs here; install Python 3.11, 3.12 or 3.13" >&2; exit 1

# Sphinx reads changed pages alone, so a build that failed is removed: its warnings have to come again.
docs: setup .venv/.dev  ## build the documentation site in build/docs
	python -m sphinx -W --keep-going -q -b html docs build/docs || { rm -rf build/docs; exit 1; }
	@echo "open build/docs/index.html"

test: setup .venv/.dev  ## run the whole test suite, which includes the linters and the documentation build
	pytest --numprocesses auto --dist worksteal --durations 15

quick: setup .venv/.dev  ## run the tests that take less than a minute
	pytest --numprocesses auto --dist worksteal -m "not slow"

check: setup  ## validate params.yaml
	@python -m stages.inputs

slurm:  ## install SLURM's daemons, for the tests of the cluster runner
	@bash scripts/install_slurm.sh

lint: setup .venv/.dev  ## check style, docstrings and types
	ruff check .
	python -m numpydoc lint $$(git ls-files 'src/vocalseg/*.py')
	python -m mypy

setup: .venv/.done ffmpeg  ## install the pinned packages into .venv, and ffmpeg

PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check
# uv takes a seventh of pip's time. It does not read pip's configuration, such as the address of a mirror,
# so pip installs the packages if uv fails.
install = .venv/bin/python -m uv --quiet pip install --python .venv/bin/python $(1) || $(PIP) install --no-compile $(1)

# The package is installed as editable for the `vocalseg` command; stages do not rely on it. The last
# line compiles what the first run of each stage would compile otherwise, on two cores: the byte code of
# TensorFlow and of other packages, and the functions of librosa that Numba compiles.
.venv/.done: requirements.txt pyproject.toml
	@python="$(PYTHON)"; "$$python" -c 'import ensurepip' 2>/dev/null || { echo "$$python: no working Python with venv; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }; \
	echo "$$python -m venv .venv"; "$$python" -m venv .venv
	-$(PIP) install uv
	$(call install,-r requirements.txt)
	$(call install,--no-deps --editable .)
	-@(.venv/bin/python -c 'import stages.train' & \
	  .venv/bin/python -c 'import librosa, numpy, stages.inputs, stages.bounds, stages.report, dvc.repo; librosa.istft(numpy.ones((512, 9), "complex64"))'; wait) 2>/dev/null
	@touch $@

# Packages that only the tests or `make app` need are installed by those, to keep `make demo` fast.
# Numba also compiles here what the tests call: its cache is not safe if several of their processes
# compile the same function at the same time, as one may load code compiled for another signature.
.venv/.dev: requirements-dev.txt .venv/.done
	$(call install,-r requirements-dev.txt)
	-@.venv/bin/python -c 'import librosa, numpy; librosa.istft(numpy.ones((512, 9), "complex128")); librosa.istft(numpy.ones((2, 512, 9), "complex64")); librosa.yin(numpy.ones(4096), fmin=60, fmax=900)' 2>/dev/null
	@touch $@

.venv/.app: requirements-dev.txt .venv/.done
	$(call install,-c requirements-dev.txt gradio)
	@touch $@

ffmpeg:
	@bash scripts/install_ffmpeg.sh

chromium:  ## install a browser for the tests of the listening page
	@bash scripts/install_chromium.sh

# requirements.txt is a subset of requirements-dev.txt: the tests run what `make demo` runs.
LOCK := python -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	--fork-strategy fewest --no-emit-index-url --no-emit-find-links pyproject.toml
lock: setup  ## pin the newest versions that satisfy pyproject.toml
	$(PIP) install uv
	$(LOCK) --upgrade --extra app --extra dev --extra docs -o requirements-dev.txt
	$(LOCK) --upgrade --constraint requirements-dev.txt -o requirements.txt
