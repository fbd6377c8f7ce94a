// Package client is the Go client of Backstop's API. It is generated from the contract, api/openapi.yaml.
//
// NewClientWithResponses(url, WithKey(key)) makes a client.
package client

import (
	"context"
	"net/http"
)

//go:generate oapi-codegen -config oapi-codegen.yaml ../api/openapi.yaml

// WithKey sends an API key with every request.
func WithKey(key string) ClientOption {
	return WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	})
}
