// Package client calls the API of Backstop. It is generated from the contract, api/openapi.yaml.
//
// Make one with NewClientWithResponses(url, WithKey(key)).
package client

import (
	"context"
	"net/http"
)

//go:generate oapi-codegen -config oapi-codegen.yaml ../api/openapi.yaml

// WithKey presents an API key with every request.
func WithKey(key string) ClientOption {
	return WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	})
}
