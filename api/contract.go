package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract is openapi.yaml, read once: what requests are held against, and what /openapi.json shows.
type contract struct {
	routes  map[string]*routers.Route // by method and gin's form of the path: "GET /v1/rules/:id"
	options *openapi3filter.Options
	json    []byte
}

// pathParameter is a parameter as OpenAPI writes it in a path.
var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

func readContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contractYAML)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write the contract as json: %w", err)
	}
	k := &contract{routes: map[string]*routers.Route{}, json: text, options: &openapi3filter.Options{
		MultiError:          true, // a caller learns of everything that is wrong at once
		SkipSettingDefaults: true,
		AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc, // authenticate has asked already
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("uuid",
				openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562)),
		},
	}}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			k.routes[method+" "+pathParameter.ReplaceAllString(path, ":$1")] = &routers.Route{
				Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation,
			}
		}
	}
	return k, nil
}
