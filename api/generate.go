// Package api is the HTTP face of Backstop: the contract in openapi.yaml, the server generated from it, one file for
// each resource, and the webhooks by which the providers report.
package api

//go:generate oapi-codegen -config oapi-codegen.yaml openapi.yaml
