# What one does with Backstop. Wants Go, git and a PostgreSQL that devstack finds, or installs with apt.

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
# Without -trimpath the tests find what a build has compiled; the Dockerfile, which runs none, has it.
BUILD := go build -buildvcs=false -ldflags "-X main.version=$(VERSION)"
TOOL := cd tools && go build -buildvcs=false -o ../bin/
# The race detector needs a C compiler, which a bare machine may lack: make test RACE=-race
RACE :=

CONSOLE := console/static/app/index.html
CONSOLE_SOURCES := $(shell find console/src console/public -type f) $(wildcard console/*.html console/*.ts console/*.json)

.PHONY: help build run demo bench chaos rolling console if-npm test test-pgbouncer test-sealed test-cli compose-test proxy-test e2e firstload screenshots diagrams check alerts console-check tidy generated vet lint law determinism \
	generate histories fuzz vulnerabilities clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

build: bin/backstop bin/devstack ## build bin/backstop and bin/devstack

# run and demo take Temporal's CLI if there is one, and spare its compilation; all else has the server that go.mod pins.
run: if-npm ## start everything and stay up, for trying it by hand
	@devstack=$$(cmd/devstack/choose.sh) && $(MAKE) --no-print-directory bin/backstop $$devstack && \
	exec $$devstack --data .data/run --codec http://127.0.0.1:8080/codec -- bin/backstop dev

demo: if-npm ## send messages to simulated providers, watch them fall back, check what came out
	@devstack=$$(cmd/devstack/choose.sh) && $(MAKE) --no-print-directory bin/backstop $$devstack && \
	exec $$devstack --data .data/demo -- bin/backstop demo

console: $(CONSOLE) ## build the web console, for the next build of bin/backstop to take in; wants npm

if-npm: # the console when it can be built; all else works without it
	@if ! command -v npm >/dev/null; then echo 'npm is missing: going on without the web console'; \
	else $(MAKE) --no-print-directory console || echo 'going on without the web console'; fi

bench: bin/backstop bin/bench bin/devstack ## measure against hand-written workflows; BENCH="-only latency -scale 0.1"
	rm -rf .data/bench
	bin/devstack --temporal-db postgres --data .data/bench -- bin/bench $(BENCH)

chaos: bin/backstop bin/chaos bin/devstack ## kill, freeze and disconnect everything under load, then check the promises; CHAOS="-seeds 20 -sends 2000"
	bin/chaos $(CHAOS)

rolling: bin/backstop bin/chaos bin/devstack ## deploy this release over the previous one under load, and back, then check the promises; wants git and its history
	bin/chaos -rolling $(ROLLING)

# What tests need and this machine lacks: python3, node and npm for the receivers in examples/, prometheus for the dashboard and the
# alerts. Those tests are left out, and fail if something else is missing.
WITHOUT = $(strip $(foreach program,python3 node npm prometheus,$(if $(shell command -v $(program) 2>/dev/null),,$(program))))

test: bin/devstack ## run the tests of all modules, on a real Postgres; wants python3 and npm for the receivers in examples/, and prometheus
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory console/node_modules/.package-lock.json; fi
	@if [ -n '$(WITHOUT)' ]; then echo 'going on without $(WITHOUT): the receivers in examples/, or the queries of deploy/, that need it are not tested'; fi
	BACKSTOP_TEST_WITHOUT='$(WITHOUT)' bin/devstack --fast --services postgres --data .data/test -- \
		go test$(if $(RACE), $(RACE)) -timeout 20m ./...
	cd cmd/bench && go test$(if $(RACE), $(RACE)) -timeout 20m ./...
	cd cmd/devstack && go test ./...

test-pgbouncer: bin/devstack ## run the tests of the store through a PgBouncer in transaction mode
	bin/devstack --fast --services postgres --data .data/test -- \
		go run ./cmd/pgbouncer go test$(if $(RACE), $(RACE)) -count=1 ./internal/postgres/...

test-sealed: bin/devstack ## run the tests of the store with texts and numbers sealed (BACKSTOP_SEAL)
	BACKSTOP_TEST_SEAL=texts,numbers bin/devstack --fast --services postgres --data .data/test -- \
		go test$(if $(RACE), $(RACE)) -count=1 ./internal/postgres/...

test-cli: ## run the tests of devstack on the dev server of Temporal's CLI; wants temporal on PATH
	cd cmd/devstack && go test -tags cli -count=1 ./...

compose-test: ## run docker-compose.yml and the Dockerfile on a Docker engine, and send; wants Docker, Compose, curl and jq
	deploy/compose-test/run.sh

proxy-test: bin/backstop bin/devstack ## run two APIs and two workers behind nginx, as deploy/nginx says; wants nginx, openssl, curl and jq
	rm -rf .data/proxy-test
	bin/devstack --fast --data .data/proxy-test -- deploy/nginx/test.sh

e2e: if-npm ## use the web console in a browser, with everything behind it; wants npm and Chromium
	@$(MAKE) --no-print-directory build bin/oidctest
	rm -rf .data/e2e
	bin/devstack --fast --data .data/e2e -- npm --prefix console run e2e

firstload: if-npm ## measure the first view of the console at 50 KB/s; wants npm and Chromium
	@$(MAKE) --no-print-directory build
	rm -rf .data/firstload
	bin/devstack --fast --data .data/firstload -- \
		npm --prefix console run e2e -- --config e2e/firstload/playwright.config.ts

screenshots: if-npm ## take the screenshots of the documentation, docs/images; wants npm, Chromium and psql
	@$(MAKE) --no-print-directory build
	rm -rf .data/screenshots
	bin/devstack --fast --data .data/screenshots -- \
		npm --prefix console run e2e -- --config e2e/screenshots/playwright.config.ts

diagrams: ## draw the SVG files of the Mermaid diagrams in docs; wants npm and Chromium
	docs/diagrams/draw.sh architecture life-of-a-send

check: tidy generated vet lint law determinism alerts console-check fuzz ## run all gates but the tests

alerts: ## check and test the alert rules of deploy/prometheus, if there is promtool
	@if ! command -v promtool >/dev/null; then echo 'promtool is missing: the alert rules are not checked'; \
	else cd deploy/prometheus && promtool check config prometheus.yml && promtool test rules backstop.rules.test.yml; fi

console-check: ## types, linter, formatting and unit tests of the web console, if there is npm
	@if ! command -v npm >/dev/null; then echo 'npm is missing: the web console is not checked'; \
	else $(MAKE) --no-print-directory console/node_modules/.package-lock.json && npm --prefix console run check; fi

tidy: ## are go.mod and go.sum what the code needs?
	go mod tidy -diff
	cd cmd/bench && go mod tidy -diff
	cd cmd/devstack && go mod tidy -diff
	cd tools && go mod tidy -diff

generated: bin/oapi-codegen ## is the generated code what its sources say?
	@sums() { find . \( -name '*.gen.*' -o -name schema.d.ts \) -not -path './.data/*' -not -path '*/node_modules/*' \
		-exec cksum {} + | sort; }; \
	before=$$(sums) && $(MAKE) --no-print-directory generate && \
	test "$$before" = "$$(sums)" || { echo 'generated code was stale: it is new now, commit it'; exit 1; }

vet: ## go vet
	go vet ./...
	cd cmd/bench && go vet ./...
	cd cmd/devstack && go vet ./... && go vet -tags cli ./...

lint: bin/golangci-lint ## formatting, the linters of .golangci.yaml and the import law
	bin/golangci-lint run ./...
	cd cmd/bench && ../../bin/golangci-lint run --disable depguard ./... # the import law is the product's alone
	cd cmd/devstack && ../../bin/golangci-lint run --disable depguard --fast-only ./... # all would analyse the Temporal server
	cd tools && ../bin/golangci-lint run ./...

law: bin/golangci-lint ## does the linter notice when the import law is broken?
	cd tools && go test ./...

determinism: bin/workflowcheck ## may each workflow be replayed?
	bin/workflowcheck ./workflows/...

generate: bin/oapi-codegen ## write the generated code anew; the console's types and constraints too, if there is npm
	PATH="$(CURDIR)/bin:$$PATH" go generate ./...
	@if command -v npm >/dev/null; then \
	$(MAKE) --no-print-directory console/node_modules/.package-lock.json && npm --prefix console run --silent generate; fi

histories: bin/devstack ## record workflow histories that the tests replay; HISTORY=detached: those whose names begin so
	bin/devstack --fast --services temporal --data .data/histories -- \
		go test ./workflows -count=1 -run "TestRecordHistories/$(HISTORY)" -record

FUZZTIME := 30s
fuzz: ## run each fuzz target for a time; FUZZTIME=10m
	tools/fuzz.sh $(FUZZTIME)

vulnerabilities: bin/govulncheck ## look for known vulnerabilities of all dependencies; exits with 3 if a database is out of reach
	tools/vulnerabilities.sh

clean: ## remove what was built and the data that devstack keeps
	rm -rf bin .data console/static/app console/node_modules

$(CONSOLE): $(CONSOLE_SOURCES) console/node_modules/.package-lock.json
	npm --prefix console run build

# npm's own note of what it has installed.
console/node_modules/.package-lock.json: console/package.json console/package-lock.json
	npm --prefix console ci --ignore-scripts
	touch $@

# Go knows better than make what is out of date.
bin/backstop: FORCE
	$(BUILD) -o $@ ./cmd/backstop

bin/oidctest: FORCE
	$(BUILD) -o $@ ./cmd/oidctest

bin/bench: FORCE
	cd cmd/bench && $(BUILD) -o ../../$@ .

bin/chaos: FORCE
	$(BUILD) -o $@ ./cmd/chaos

bin/devstack: FORCE
	cd cmd/devstack && $(BUILD) -o ../../$@ .

bin/devstack-cli: FORCE
	cd cmd/devstack && $(BUILD) -tags cli -o ../../$@ .

bin/golangci-lint: tools/go.mod tools/go.sum
	$(TOOL) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/oapi-codegen: tools/go.mod tools/go.sum
	$(TOOL) github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen

bin/workflowcheck: tools/go.mod tools/go.sum
	$(TOOL) go.temporal.io/sdk/contrib/tools/workflowcheck

bin/govulncheck: tools/go.mod tools/go.sum
	$(TOOL) golang.org/x/vuln/cmd/govulncheck
