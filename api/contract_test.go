package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

func TestContract(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	engine, ok := r.handler.(*gin.Engine)
	require.True(t, ok)
	routes := engine.Routes() // not while it serves: the first request makes gin rewrite its routes

	t.Run("is valid OpenAPI, examples too", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, r.contract.Validate(t.Context(), openapi3.EnableExamplesValidation()))
	})

	t.Run("says what is served, and all of it", func(t *testing.T) {
		t.Parallel()
		parameter := regexp.MustCompile(`\{([^}]+)\}`)
		var promised, served []string
		for path, item := range r.contract.Paths.Map() {
			for method := range item.Operations() {
				promised = append(promised, method+" "+parameter.ReplaceAllString(path, ":$1"))
			}
		}
		for _, route := range routes {
			// The contract does not list HEAD, nor the scripts and styles of the page /docs.
			if route.Method != http.MethodHead && route.Path != "/docs/*asset" {
				served = append(served, route.Method+" "+route.Path)
			}
		}
		require.ElementsMatch(t, promised, served)
	})

	t.Run("is served as it is written", func(t *testing.T) {
		t.Parallel()
		var doc struct {
			OpenAPI string                     `json:"openapi"`
			Paths   map[string]json.RawMessage `json:"paths"`

			Components struct {
				Schemas map[string]struct {
					Pattern string `json:"pattern"`
				} `json:"schemas"`
			} `json:"components"`
		}
		r.call(t, "GET", "/openapi.json", "", "Authorization", "").into(200, &doc)
		require.Equal(t, "3.0.3", doc.OpenAPI)
		require.Len(t, doc.Paths, r.contract.Paths.Len())
		require.Equal(t, r.contract.Components.Schemas["Name"].Value.Pattern, doc.Components.Schemas["Name"].Pattern)
	})
}

// TestContract_Strict asserts that every input is bounded: a string has a maxLength, a number has bounds, a list has a maxItems,
// and an object allows no unknown members.
func TestContract_Strict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, ref := range r.contract.Components.Schemas {
		if strings.HasSuffix(name, "Input") {
			bounded(t, name, ref.Value)
		}
	}
	for _, item := range r.contract.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, p := range append(item.Parameters, operation.Parameters...) {
				bounded(t, p.Value.Name, p.Value.Schema.Value)
			}
		}
	}
}

func bounded(t *testing.T, path string, schema *openapi3.Schema) {
	t.Helper()
	switch {
	case len(schema.AllOf) == 1: // a reference with a description of its own
		bounded(t, path, schema.AllOf[0].Value)
	case len(schema.OneOf) > 0:
		for _, one := range schema.OneOf {
			bounded(t, path, one.Value)
		}
	case schema.Type.Is("string"):
		require.True(t, schema.MaxLength != nil || len(schema.Enum) > 0, "%s has no maxLength", path)
	case schema.Type.Is("boolean"):
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		require.True(t, schema.Min != nil && schema.Max != nil, "%s has no bounds", path)
	case schema.Type.Is("array"):
		require.NotNil(t, schema.MaxItems, "%s has no maxItems", path)
		if schema.Items.Value.Properties != nil || !schema.Items.Value.Type.Is("object") { // Meta defines the form of components
			bounded(t, path+"[]", schema.Items.Value)
		}
	case schema.Type.Is("object") && schema.AdditionalProperties.Schema != nil: // a map
		require.NotNil(t, schema.MaxProps, "%s has no maxProperties", path)
		bounded(t, path+".*", schema.AdditionalProperties.Schema.Value)
	case schema.Type.Is("object"):
		require.True(t, schema.AdditionalProperties.Has != nil && !*schema.AdditionalProperties.Has, "%s is open", path)
		for name, member := range schema.Properties {
			bounded(t, path+"."+name, member.Value)
		}
	default:
		t.Errorf("%s has no type", path)
	}
}
