// Package client is the Go client of Backstop's API. It is generated from the contract, api/openapi.yaml.
//
// NewClientWithResponses(url, WithKey(key)) makes a client.
package client

import (
	"context"
	"fmt"
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

// Response is the response of any endpoint.
type Response interface {
	Status() string
	GetBody() []byte
}

// CallError returns the error of a call that failed with err, or whose response has an unexpected status.
func CallError(what string, r Response, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s: %s", what, r.Status(), r.GetBody())
}
