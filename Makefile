# One door for commands. Needs only Python >= 3.11 with pip and venv; uses uv when it is there.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
FUZZ ?= 25
# glibc keeps what was freed: to give memory back and ask for it again is a tenth of a short run
KEEP := MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=268435456 MALLOC_TOP_PAD_=67108864
READY := $(VENV)/.ready
# compiled once, not in each of the many processes that the tests start
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check peers format fuzz faults docs clean

$(READY): pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && uv pip install --quiet --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $(READY)

demo: $(READY)  ## tertiary2 and primary on the simulated station, with a report
	$(BIN)/drready demo

test: check  ## the whole test suite: what waits for the wall clock runs beside the rest, which gives way to it
	@$(KEEP) nice -n 19 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not realtime" & rest=$$!; trap "kill $$rest" INT TERM; \
	told=$$($(BIN)/python -m pytest -q -n 4 --dist worksteal -m realtime tests/realtime 2>&1); waited=$$?; \
	wait $$rest; rested=$$?; \
	echo "$$told"; exit $$((waited + rested))

check: $(READY)  ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

peers:  ## independent implementations for the tests that need node; without them these are skipped
	@cd tests/peers && npm install --silent --no-audit --no-fund --no-package-lock

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(READY)  ## the long run of hostile input: FUZZ times the cases of the tests
	DRREADY_FUZZ=$(FUZZ) $(BIN)/python -m pytest -q --timeout=0 --capture=sys tests/fuzz

faults: $(READY)  ## the whole fault campaign, into the reference
	$(BIN)/drready faults campaign --out docs/reference/fault-campaign.md

docs: $(READY)  ## reference pages, made from the profiles and rules
	$(BIN)/python -m bench.reference docs/reference

clean:
	rm -rf $(VENV) build dist
