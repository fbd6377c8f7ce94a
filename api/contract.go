package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/backstophq/backstop"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract is the parsed openapi.yaml. The server validates each request against it and serves it at /openapi.json.
type contract struct {
	routes  map[string]*routers.Route // by method and path in gin's form: "GET /v1/rules/:id"
	access  map[string]access         // the same, of the paths under /v1
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
	k := &contract{routes: map[string]*routers.Route{}, access: map[string]access{}, json: text, options: &openapi3filter.Options{
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
			route := method + " " + pathParameter.ReplaceAllString(path, ":$1")
			k.routes[route] = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}
			if !strings.HasPrefix(path, "/v1/") {
				continue
			}
			if k.access[route], err = accessOf(operation); err != nil {
				return nil, err
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

// access is what an operation asks of an API key.
type access struct {
	scope    backstop.Scope
	allSends bool // it covers the sends of all policies
}

// accessOf returns the access that an operation names in the contract. Each operation under /v1 must name its scope.
func accessOf(operation *openapi3.Operation) (access, error) {
	scope, _ := operation.Extensions["x-scope"].(string)
	if !slices.Contains(backstop.Scopes(), backstop.Scope(scope)) {
		return access{}, fmt.Errorf("read the contract: the x-scope of %s is missing or unknown", operation.OperationID)
	}
	allSends, _ := operation.Extensions["x-all-sends"].(bool)
	return access{scope: backstop.Scope(scope), allSends: allSends}, nil
}
