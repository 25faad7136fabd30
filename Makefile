# `make help` lists everything. PORT and HOST say where the demo answers.
HOST ?= 127.0.0.1
PORT ?= 8000
export QUILT_PYTHON ?=
# Machines made from container images forbid Python to keep what it compiled: every start would take twice as long.
export PYTHONDONTWRITEBYTECODE =

SET_UP = python=$$(sh scripts/find_python.sh) && "$$python" scripts/set_up.py
RUN = .venv/bin
PYTEST = $(RUN)/python -m pytest
BENCHMARKS = "hot_paths" "hot_paths --postgresql --only vote" "sequencing" "ledger" "whole_ledger" "spread" \
	"fraud" "fraud.drill" "widget" "tables --rows 200000 --databases sqlite,postgresql"

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-bluesky sure faults bench screens

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup:  ## install everything that is pinned into .venv and build the static parts
	@$(SET_UP)

setup-dev:  ## the same, with what tests and checks need, and a browser
	@$(SET_UP) --dev --browser

demo: setup  ## a whole contest to play with at http://127.0.0.1:8000 (PORT= and HOST= are respected)
	@exec $(RUN)/quilt demo --host "$(HOST)" --port "$(PORT)"

test: setup-dev  ## every test, on SQLite and on PostgreSQL, and in a real browser
	@$(PYTEST) -n 4

test-bluesky: setup-dev  ## connect, post and disconnect at a real Bluesky server (installs it: some minutes the first time)
	@cd tests/bluesky && npm ci --no-audit --no-fund --loglevel=error
	@$(PYTEST) tests/bluesky

sure: setup-dev  ## format, lint, types, then every test: before each merge
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/djlint templates --lint --quiet
	@$(PYTEST) -n 4

faults: setup-dev  ## votes, folds and batches while workers, writer, database and disk fail; doubles, slots, the closing second
	@FAULT_VOTES=4000 FAULT_SECONDS=30 $(PYTEST) -q -s -rs tests/faults/test_vote_storms.py
	@FAULT_VOTES=1000 $(PYTEST) -q -s tests/faults/test_closing_second.py tests/faults/test_many_writers.py
	@FAULT_SECONDS=60 $(PYTEST) -q -s tests/faults/test_fold_kills.py tests/faults/test_ledger_kills.py
	@$(PYTEST) -q -s tests/faults/test_double_votes.py tests/faults/test_slots.py tests/faults/test_identity_race.py tests/faults/test_writer_kills.py

bench: setup-dev  ## how fast it is, as shares of bare Flask, and how well the rules do; tells what misses its aim
	@missed=; for run in $(BENCHMARKS); do \
		echo; echo "python -m benchmarks.$$run"; $(RUN)/python -m benchmarks.$$run || missed="$$missed, $$run"; \
	done; test -z "$$missed" || { echo "Missed an aim, or broke off: $${missed#, }"; exit 1; }

screens: setup-dev  ## take the screenshots of docs/screens from the demo
	@$(RUN)/python scripts/take_screens.py
	@$(RUN)/python scripts/take_spread_screens.py
	@$(RUN)/python scripts/take_embed_screens.py
	@$(RUN)/python scripts/draw_cards.py
