package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
)

// serveProfiles serves profiles of this process on its own listener. Profiles show memory and cost CPU, so their address should
// not be public.
func (p *program) serveProfiles(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", p.config.Pprof.Listen)
	if err != nil {
		return fmt.Errorf("listen for profiles: %w", err)
	}
	server := &http.Server{Handler: newProfileHandler(), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // a stop does not wait for a profile
	p.log.InfoContext(ctx, "serving profiles", "address", listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles: %w", err)
	}
	return nil
}

// newProfileHandler returns the handlers of net/http/pprof. That package also adds them to http.DefaultServeMux, which Backstop
// does not serve.
func newProfileHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
