package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract is the parsed openapi.yaml. The server validates each request against it and serves it at /openapi.json.
type contract struct {
	routes  map[string]*routers.Route // by method and path in gin's form: "GET /v1/rules/:id"
	options *openapi3filter.Options
	json    []byte
}

// pathParameter matches a parameter in an OpenAPI path, such as {id}.
var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

// checkTime accepts a time only if both the contract's format and time.Time accept it. The format alone accepts a leap second,
// and time.Time alone accepts an offset of 24 hours. Without this check the binding would refuse such a time without naming the
// field.
func checkTime(text string) error {
	if err := openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime).Validate(text); err != nil {
		return err //nolint:wrapcheck // the validator drops the text of the error
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	return nil
}

func readContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contractYAML)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write the contract as json: %w", err)
	}
	forgoPatterns(doc)
	k := &contract{routes: map[string]*routers.Route{}, json: text, options: &openapi3filter.Options{
		MultiError:          true, // the answer lists all problems of the request
		SkipSettingDefaults: true,
		AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc, // authenticate runs before
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("uuid",
				openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562)),
			openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(checkTime)),
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

// forgoPatterns takes the patterns of bodies, and the bounds of metadata, out of what requests are held against. The domain
// checks them: its answer is a 422, and its reason says more than that a pattern does not match. TestContract_limits compares
// the two.
func forgoPatterns(doc *openapi3.T) {
	for _, schema := range doc.Components.Schemas {
		schema.Value.Pattern, schema.Value.AnyOf = "", nil
	}
	metadata := doc.Components.Schemas["Metadata"].Value
	metadata.MaxProps, metadata.AdditionalProperties.Schema.Value.MaxLength = nil, nil
}
