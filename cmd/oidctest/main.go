// The command oidctest runs the OpenID Connect provider of the tests on a free port of loopback, for the browser's tests.
// usage: oidctest <redirect address> <home address>
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/backstophq/backstop/internal/oidctest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oidctest:", err)
		os.Exit(1)
	}
}

// run prints its address, and serves until ctx is done.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: oidctest <redirect address> <home address>")
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	issuer := "http://" + listener.Addr().String()
	server := &http.Server{
		Handler:           oidctest.New(oidctest.Options{Issuer: issuer, RedirectURL: args[0], HomeURL: args[1]}),
		ReadHeaderTimeout: time.Minute,
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintln(stdout, issuer)
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
