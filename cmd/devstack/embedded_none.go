//go:build cli

package main

import (
	"context"
	"errors"
)

// defaultTemporal is the Temporal that devstack starts unless --temporal says another.
const defaultTemporal = temporalCLI

// startEmbedded fails, because this devstack is built without a server, in seconds instead of minutes.
func (s *stack) startEmbedded(context.Context) error {
	return errors.New("--temporal embedded: this devstack is built without a server (make bin/devstack has one)")
}
