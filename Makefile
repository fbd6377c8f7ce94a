# What one does with Backstop. Wants Go, git and a PostgreSQL that devstack finds, or installs with apt.

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
# Without -trimpath the tests find what a build has compiled; the Dockerfile, which runs none, has it.
BUILD := go build -buildvcs=false -ldflags "-X main.version=$(VERSION)"
TOOL := cd tools && go build -buildvcs=false -o ../bin/
# The race detector needs a C compiler, which a bare machine may lack: make test RACE=-race
RACE :=

.PHONY: help build run demo bench test check tidy generated vet lint law determinism generate histories clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

build: bin/backstop bin/devstack ## build bin/backstop and bin/devstack

run: build ## start everything and stay up, for trying it by hand
	bin/devstack --data .data/run -- bin/backstop dev

demo: build ## send messages to simulated providers, watch them fall back, check what came out
	bin/devstack --data .data/demo -- bin/backstop demo

bench: bin/backstop bin/bench bin/devstack ## measure against hand-written workflows; BENCH="-only latency -scale 0.1"
	rm -rf .data/bench
	bin/devstack --temporal-db postgres --data .data/bench -- bin/bench $(BENCH)

test: bin/devstack ## run the tests of all modules, on a real Postgres
	bin/devstack --fast --services postgres --data .data/test -- \
		go test$(if $(RACE), $(RACE)) ./...
	cd cmd/devstack && go test ./...

check: tidy generated vet lint law determinism ## run all gates but the tests

tidy: ## are go.mod and go.sum what the code needs?
	go mod tidy -diff
	cd cmd/devstack && go mod tidy -diff
	cd tools && go mod tidy -diff

generated: bin/oapi-codegen ## is the generated code what its sources say?
	@sums() { find . -name '*.gen.go' -not -path './.data/*' -exec cksum {} + | sort; }; \
	before=$$(sums) && $(MAKE) --no-print-directory generate && \
	test "$$before" = "$$(sums)" || { echo 'generated code was stale: it is new now, commit it'; exit 1; }

vet: ## go vet
	go vet ./...
	cd cmd/devstack && go vet ./...

lint: bin/golangci-lint ## formatting, the linters of .golangci.yaml and the import law
	bin/golangci-lint run ./...
	cd cmd/devstack && ../../bin/golangci-lint run --fast-only ./... # the others would analyse the Temporal server too
	cd tools && ../bin/golangci-lint run ./...

law: bin/golangci-lint ## does the linter notice when the import law is broken?
	cd tools && go test ./...

determinism: bin/workflowcheck ## may each workflow be replayed?
	bin/workflowcheck ./workflows/...

generate: bin/oapi-codegen ## write the generated code anew
	PATH="$(CURDIR)/bin:$$PATH" go generate ./...

histories: bin/devstack ## record the workflow histories that the tests replay
	bin/devstack --fast --services temporal --data .data/histories -- \
		go test ./workflows -count=1 -run TestRecordHistories -record

clean: ## remove what was built and the data that devstack keeps
	rm -rf bin .data

# Go knows better than make what is out of date.
bin/backstop: FORCE
	$(BUILD) -o $@ ./cmd/backstop

bin/bench: FORCE
	$(BUILD) -o $@ ./cmd/bench

bin/devstack: FORCE
	cd cmd/devstack && $(BUILD) -o ../../$@ .

bin/golangci-lint: tools/go.mod tools/go.sum
	$(TOOL) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/oapi-codegen: tools/go.mod tools/go.sum
	$(TOOL) github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen

bin/workflowcheck: tools/go.mod tools/go.sum
	$(TOOL) go.temporal.io/sdk/contrib/tools/workflowcheck
