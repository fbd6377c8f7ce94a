package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// temporalPatience is how long a check waits for Temporal.
const temporalPatience = 500 * time.Millisecond

// workerRetry is how often a worker tries to reach a Temporal, or a namespace, that is not there yet.
const workerRetry = time.Second

// newTemporal returns a client that connects when it is first used, so that the program starts, and accepts sends,
// while Temporal is away.
func newTemporal(c temporalConfig, logger *slog.Logger) (client.Client, error) {
	options := client.Options{HostPort: c.Address, Namespace: c.Namespace, Logger: log.NewStructuredLogger(logger)}
	if c.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(string(c.APIKey))
	}
	if c.TLS || c.TLSCert != "" || c.TLSCA != "" || c.APIKey != "" {
		secured, err := tlsConfig(c)
		if err != nil {
			return nil, err
		}
		options.ConnectionOptions = client.ConnectionOptions{TLS: secured}
	}
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make temporal client: %w", err)
	}
	return temporal, nil
}

func tlsConfig(c temporalConfig) (*tls.Config, error) {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, usageError{fmt.Errorf("read %sTEMPORAL_TLS_CERT: %w", envPrefix, err)}
		}
		secured.Certificates = []tls.Certificate{pair}
	}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, usageError{fmt.Errorf("read %sTEMPORAL_TLS_CA: %w", envPrefix, err)}
		}
		secured.RootCAs = x509.NewCertPool()
		if !secured.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usageError{errors.New(envPrefix + "TEMPORAL_TLS_CA holds no certificate")}
		}
	}
	return secured, nil
}

// checkTemporal reports whether Temporal answers, soon: one that hangs must not use up the caller's time.
func checkTemporal(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check temporal: %w", err)
	}
	return nil
}
