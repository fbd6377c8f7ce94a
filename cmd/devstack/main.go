// Command devstack runs Postgres, a Temporal server and the Temporal UI for a machine that has none.
//
//	devstack [flags] [-- command args...]
//
// With a command it gives the command the addresses by environment, and stops everything when the command ends.
// Without one it prints the environment and stays until SIGINT or SIGTERM. All that it keeps is in one folder (--data).
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
