# Everything here makes its own environment in .venv first.
.DEFAULT_GOAL := help
.PHONY: help demo demo-parties test quick lint format docs bench cheats soak fuzz fuzz-api mutants faults busy benchmarks third-party requirements clean runtime dev
BIN := .venv/bin
OUT ?= touchstone-demo
PARTIES_OUT ?= touchstone-demo-parties
FUZZ_SECONDS ?= 60
# Where it is set, each of the many processes of a review compiles some 3,000 modules anew.
export PYTHONDONTWRITEBYTECODE =

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: runtime ## a whole review, offline, in a few minutes; the report lands in $(OUT)
	@$(BIN)/touchstone demo --out $(OUT)

demo-parties: runtime ## a review by many hands: a server and six parties with keys of their own, in $(PARTIES_OUT)
	@$(BIN)/touchstone demo --parties --out $(PARTIES_OUT)

# By file: what a file sets up is set up once. xdist's groups name no place since pytest 9.2.
test: dev ## every test; ends with a list of what could not run and why
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 25 $(PYTEST)

quick: dev ## the fast tests of the pure rooms, on each save: under 90 s
	@$(BIN)/python -m pytest -q -n 2 --quick tests/unit tests/architecture

lint: dev ## style, types and layers
	@$(BIN)/ruff check src tests scripts
	@$(BIN)/ruff format --check src tests scripts
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: dev ## fix what a tool can fix
	@$(BIN)/ruff check --fix src tests scripts
	@$(BIN)/ruff format src tests scripts

docs: dev ## the documentation as a site, built strictly
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: runtime ## ratio tables
	@$(BIN)/touchstone bench

cheats: dev ## what cheats solve of the families of claims, 500 items learned from; FAMILY="NAME"
	@PYTHONPATH=src $(BIN)/python scripts/make_cheats.py $(FAMILY)

soak: dev ## the long forms of the crash, fuzz and law campaigns
	@HYPOTHESIS_PROFILE=soak TOUCHSTONE_SOAK=1 $(BIN)/python -m pytest -n 2 --timeout 7200

fuzz: dev ## hostile bytes at a running gateway, FUZZ_SECONDS=60; FUZZ="--seed N" or "--replay FILE"
	@PYTHONPATH=src:tests $(BIN)/python -m support.gateway_fuzz --seconds $(FUZZ_SECONDS) $(FUZZ)

fuzz-api: dev ## requests made from the API's own description, FUZZ_SECONDS=60; FUZZ="--seed N" or "--http"
	@PYTHONPATH=src:tests $(BIN)/python -m support.api_fuzz --seconds $(FUZZ_SECONDS) $(FUZZ)

mutants: dev ## wrong changes in the pure rooms that tests must notice; MUTANTS="--seed N --rooms statistics"
	@PYTHONPATH=src:tests $(BIN)/python -m support.mutants $(MUTANTS)

faults: dev ## faults x criteria: no word without enough measured; FAULTS="--seed N --count N" (--http: whole reviews)
	@PYTHONPATH=src:tests $(BIN)/python -m support.faults $(FAULTS)

benchmarks: dev ## public benchmarks and planted packages in our own sandbox, more of them than `make test` runs
	@TOUCHSTONE_BENCHMARKS=1 $(BIN)/python -m pytest -q tests/contract/evaluation/test_benchmarks.py tests/contract/evaluation/test_planted_packages.py

third-party: dev ## reviews of tiny random models behind two servers of other people; 6 GB in .third-party
	@scripts/third_party.sh

busy: dev ## timed tests 20 times in a row beside a load of 14; BUSY="tests/unit/x/test_y.py"
	@PYTHONPATH=src:tests $(BIN)/python -m support.busy $(BUSY)

requirements: dev ## compile requirements/*.in to hashed lists, without addresses
	@for kind in bootstrap runtime dev; do \
	  $(BIN)/uv --quiet pip compile --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header requirements/$$kind.in -o requirements/$$kind.txt || exit 1; done
	@$(BIN)/uv --quiet pip compile --python-version 3.12 --no-deps --generate-hashes \
	  --no-emit-index-url --no-header requirements/witness.in -o requirements/witness.txt

clean: ## remove what was made
	@rm -rf .venv site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

runtime:
	@scripts/bootstrap.sh runtime

dev:
	@scripts/bootstrap.sh dev
