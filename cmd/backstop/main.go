// Backstop sends messages by WhatsApp and falls back to SMS. See "backstop help".
package main

import (
	"context"
	"os"
)

const unknownVersion = "unknown"

// version is set by the linker.
var version = unknownVersion

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
