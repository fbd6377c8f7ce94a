//go:build !cli

package main

import (
	"context"
	"fmt"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// webUI is the Temporal UI in this process.
type webUI struct {
	server *server.Server
	url    string
}

// startUI starts the UI and returns when it can be loaded. The UI's server ends the process if it cannot listen, so port must be
// free.
func startUI(ctx context.Context, port, temporalPort int, codec string) (*webUI, error) {
	settings := &config.Config{
		TemporalGRPCAddress: loopbackAddress(temporalPort),
		Host:                loopback,
		Port:                port,
		EnableUI:            true,
		DefaultNamespace:    namespace,
		HideLogs:            true,
		// No calls to the Internet.
		DisableNewsFetch:   true,
		NotifyOnNewVersion: false,
		// The page is served by plain HTTP, where the browser ignores Secure cookies.
		CORS: config.CORS{CookieInsecure: true},
		// The browser sends the cookie of Backstop's console, which is on the same host.
		Codec: config.Codec{
			Endpoint: codec, IncludeCredentials: true,
			DefaultErrorMessage: "Sign in to the console of Backstop to decrypt payloads.",
		},
	}
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("configure temporal ui: %w", err)
	}

	started := &webUI{
		server: server.NewServer(server_options.WithConfigProvider(settings)), url: "http://" + loopbackAddress(port),
	}
	go func() { _ = started.server.Start() }() // nil whenever it returns

	if err := waitPage(ctx, started.url+"/healthz"); err != nil {
		started.server.Stop()

		return nil, fmt.Errorf("start temporal ui: %w", err)
	}

	return started, nil
}
