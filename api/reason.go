package api

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/backstophq/backstop"
)

const (
	required        = "is required"
	unknownProperty = "properties" // the SchemaField of the validator's error about a member that the schema does not have
)

// schemaFields returns the fields that violate a schema, each with its reason.
func schemaFields(e *openapi3.SchemaError, at *openapi3.Parameter) []backstop.Field {
	path := clipPath(strings.Join(e.JSONPointer(), "."))
	if at != nil {
		path = at.Name
	}
	if e.SchemaField == unknownProperty {
		return unknownFields(e, path)
	}
	if path == "" {
		path = "body"
	}
	return []backstop.Field{{Name: path, Reason: reasonOf(e)}}
}

// unknownFields returns the members of an object that its schema does not have. The validator names only the object.
func unknownFields(e *openapi3.SchemaError, path string) []backstop.Field {
	object, _ := e.Value.(map[string]any)
	var found []backstop.Field
	for name := range object {
		if e.Schema.Properties[name] == nil {
			found = append(found, backstop.Field{Name: joinPath(path, name), Reason: "is not a known field: check its spelling"})
		}
	}
	return found
}

func reasonOf(e *openapi3.SchemaError) string {
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
		return rangeReason(schema)
	case "minItems":
		return fmt.Sprintf("must have at least %d items", schema.MinItems)
	case "maxItems":
		return fmt.Sprintf("must have at most %d items", *schema.MaxItems)
	default: // type, format, pattern
		return ofType(schema)
	}
}

func rangeReason(schema *openapi3.Schema) string {
	switch {
	case schema.Max == nil:
		return fmt.Sprintf("must be at least %.0f", *schema.Min)
	case schema.Min == nil:
		return fmt.Sprintf("must be at most %.0f", *schema.Max)
	default:
		return fmt.Sprintf("must be between %.0f and %.0f", *schema.Min, *schema.Max)
	}
}

// ofType returns the reason for a value of the wrong type, format or pattern: the schema's x-reason, or else its type.
func ofType(schema *openapi3.Schema) string {
	if words, ok := schema.Extensions["x-reason"].(string); ok {
		return words
	}
	kind := strings.Join(schema.Type.Slice(), " or ")
	switch kind {
	case "":
		return "does not fit the schema"
	case openapi3.TypeArray, openapi3.TypeInteger, openapi3.TypeObject:
		return "must be an " + kind
	default:
		return "must be a " + kind
	}
}

// maxPath is the most bytes of a field's path in an answer. The caller chooses the names in it, so it needs a bound.
const maxPath = 256

// joinPath returns the path of a member of the object at path. It cuts a path that is longer than maxPath.
func joinPath(path, name string) string {
	switch {
	case path == "":
		return clipPath(name)
	case len(path) >= maxPath:
		return path
	default:
		return clipPath(path + "." + clipPath(name))
	}
}

func clipPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}
