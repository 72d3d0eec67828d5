GO      ?= go
PKGS    ?= ./...
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
RACE    ?=

.DEFAULT_GOAL := help

##@ Use

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run everything on this machine: SQLite, sandbox, an example to paste
	@$(GO) build -buildvcs=false -o bin/patchbay ./cmd/patchbay
	@bin/patchbay dev

build: ## Build the static binary bin/patchbay
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X github.com/patchbay/patchbay/internal/app.Version=$(VERSION)" -o bin/patchbay ./cmd/patchbay

##@ Check

test: ## Run the tests, on SQLite and, where its programs are found, PostgreSQL
	$(GO) test $(RACE) -timeout 30m $(PKGS)

race: ## Run the tests with the race detector
	$(MAKE) test RACE=-race

lint: ## Check format, vet, staticcheck and the rules of the house
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./cmd/patchbay providers lint

bench: ## Compare the nested read and the question's way with hand-written servers (needs PostgreSQL)
	$(GO) run ./internal/bench

FUZZ     = provider:FuzzDecode provider:FuzzMapping provider:FuzzClassify question:FuzzRead \
           oauth:FuzzAnAnswerIsATokenOrAnErrorThatKeepsSecrets
FUZZTIME ?= 1m

fuzz: ## Fuzz everything that reads what others wrote, a minute each
	@for one in $(FUZZ); do \
		echo "$$one"; $(GO) test ./internal/$${one%%:*} -run '^$$' -fuzz "^$${one#*:}$$" -fuzztime $(FUZZTIME) || exit 1; done

chaos: ## Kill replicas in the middle of refreshes, 50 rounds (needs PostgreSQL)
	$(GO) test ./internal/app -run TestReplicasThatAreKilled -v -timeout 60m -args -rounds 50

score: ## Print how well plain questions find their capability, provider by provider
	@$(GO) test ./internal/question -run TestGoldenQuestionsAreLed -v -count 1 | grep -v -e '^=== ' -e '^---'

##@ Change

generate: ## Make everything that is generated
	$(GO) generate ./...
	$(GO) run ./cmd/patchbay providers docs docs/providers.md

migration: ## Write the next migration for both databases: make migration NAME=add_something
	$(GO) run ./internal/store/migrationgen $(NAME)

verify: generate ## Prove that what is generated is current
	@git diff --exit-code -- . || { echo "generated files are out of date: run make generate and commit"; exit 1; }
	@test -z "$$(git status --porcelain --untracked-files=all)" || { git status --short; echo "these files are not committed: commit them, or move away what generation did not make"; exit 1; }

.PHONY: help run build test race lint bench fuzz chaos score generate migration verify
