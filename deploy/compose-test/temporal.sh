#!/usr/bin/env bash
# Builds Temporal's programs from Go modules: server and UI in the versions that cmd/devstack has pinned, with what their images have
# besides, and the CLI.
# Usage: temporal.sh DEVSTACK FOLDER
set -euo pipefail
mkdir -p "$2"
cp "$1/go.mod" "$1/go.sum" "$2"
cd "$2"
export GOFLAGS='-mod=mod -buildvcs=false' # with cgo or without, as bin/devstack: what that has compiled is not compiled again

go build -o temporal-server go.temporal.io/server/cmd/server
go build -o temporal-sql-tool go.temporal.io/server/cmd/tools/sql
go build -o ui-server github.com/temporalio/ui-server/v2/cmd/server

# Later versions of the CLI want a nested module that is not published. This one has an older server in it.
CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOBIN=$PWD go install github.com/temporalio/cli/cmd/temporal@v1.5.1

server=$(go list -m -f '{{.Dir}}' go.temporal.io/server) ui=$(go list -m -f '{{.Dir}}' github.com/temporalio/ui-server/v2)
install -m 755 "$server/docker/scripts/sh/entrypoint.sh" "$ui/docker/start-ui-server.sh" .
install -m 644 "$ui/config/docker.yaml" .
go list -m go.temporal.io/server github.com/temporalio/ui-server/v2 | sed 's|.*/||' | paste -s -d , >versions
