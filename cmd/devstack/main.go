// Command devstack runs Postgres, a Temporal server and the Temporal UI for a machine that has none.
//
//	devstack [flags] [-- command args...]
//
// It runs the command with the addresses in its environment, and stops everything when the command ends. Without a command it
// prints the environment and runs until SIGINT or SIGTERM. All its data is in one folder (--data).
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
