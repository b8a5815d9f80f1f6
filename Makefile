# Every target works from a clean clone with Go; `make test` fetches what else the tests need (scripts/setup-tests.sh).

GO ?= go

.PHONY: help run build test setup lint fmt bench fuzz race clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

run: build ## build and run the server on SQLite in ./hecate-data
	./hecate serve

build: ## build ./hecate
	CGO_ENABLED=0 $(GO) build -trimpath -o hecate ./cmd/hecate

test: ## everything: format, vet, staticcheck, tests on both databases, e2e, a short fuzz
	scripts/setup-tests.sh
	scripts/test.sh

setup: ## install what the tests need beyond Go
	scripts/setup-tests.sh

lint: ## format, vet, staticcheck
	scripts/test.sh format vet staticcheck

fmt: ## rewrite the sources with gofmt
	$(GO) fmt ./...

race: ## the unit tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v /e2e)

bench: ## compare the server with the limits of this machine
	$(GO) run ./bench

fuzz: ## fuzz every target for a few seconds; FUZZTIME=1m for longer
	scripts/fuzz.sh

clean: ## remove what was built (the data directory stays)
	rm -f hecate
