package api

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/backstophq/backstop"
)

const (
	required        = "is required"
	unknownProperty = "properties" // the validator's word for a member that the schema does not have
)

// schemaFields names the fields that a violation of a schema is about, and says what is wrong with them.
func schemaFields(e *openapi3.SchemaError, at *openapi3.Parameter) []backstop.Field {
	path := clipped(strings.Join(e.JSONPointer(), "."))
	if at != nil {
		path = at.Name
	}
	if e.SchemaField == unknownProperty {
		return unknownFields(e, path)
	}
	if path == "" {
		path = "body"
	}
	return []backstop.Field{{Name: path, Reason: reason(e)}}
}

// unknownFields finds the members of an object that its schema does not know; the validator names the object only.
func unknownFields(e *openapi3.SchemaError, path string) []backstop.Field {
	object, _ := e.Value.(map[string]any)
	var found []backstop.Field
	for name := range object {
		if e.Schema.Properties[name] == nil {
			found = append(found, backstop.Field{Name: join(path, name), Reason: "is not a known field"})
		}
	}
	return found
}

func reason(e *openapi3.SchemaError) string {
	schema := e.Schema
	switch e.SchemaField {
	case "required":
		return required
	case "nullable":
		return "must not be null"
	case "enum":
		return fmt.Sprintf("must be one of %v", strings.Trim(fmt.Sprint(schema.Enum), "[]"))
	case "minLength":
		if schema.MinLength == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters", schema.MinLength)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *schema.MaxLength)
	case "minimum", "maximum":
		return between(schema)
	case "minItems":
		return fmt.Sprintf("must have at least %d items", schema.MinItems)
	case "maxItems":
		return fmt.Sprintf("must have at most %d items", *schema.MaxItems)
	default: // type, format, pattern
		return ofType(schema)
	}
}

func between(schema *openapi3.Schema) string {
	switch {
	case schema.Max == nil:
		return fmt.Sprintf("must be at least %.0f", *schema.Min)
	case schema.Min == nil:
		return fmt.Sprintf("must be at most %.0f", *schema.Max)
	default:
		return fmt.Sprintf("must be between %.0f and %.0f", *schema.Min, *schema.Max)
	}
}

// ofType says what a value should have been: in the words of the contract where it has them (x-reason).
func ofType(schema *openapi3.Schema) string {
	if words, ok := schema.Extensions["x-reason"].(string); ok {
		return words
	}
	kind := strings.Join(schema.Type.Slice(), " or ")
	switch kind {
	case "":
		return "does not fit"
	case openapi3.TypeArray, openapi3.TypeInteger, openapi3.TypeObject:
		return "must be an " + kind
	default:
		return "must be a " + kind
	}
}

// maxPath bounds the path of a field, in bytes. The caller chooses the names in it, and a body may have thousands of paths.
const maxPath = 256

// join makes the path of a member of what is at path. It leaves out what does not fit into maxPath.
func join(path, name string) string {
	switch {
	case path == "":
		return clipped(name)
	case len(path) >= maxPath:
		return path
	default:
		return clipped(path + "." + clipped(name))
	}
}

func clipped(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}
