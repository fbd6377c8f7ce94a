// Backstop sends messages by WhatsApp and falls back to SMS. See "backstop help".
package main

import (
	"context"
	"os"
)

// version is set by the linker.
var version = "unknown"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
