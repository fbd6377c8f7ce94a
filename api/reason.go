package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/backstophq/backstop"
)

const unknownProperty = "properties" // the SchemaField of the validator's error about a member that the schema does not have

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
	return []backstop.Field{schemaField(path, e)}
}

// unknownFields returns the members of an object that its schema does not have. The validator names only the object.
func unknownFields(e *openapi3.SchemaError, path string) []backstop.Field {
	object, _ := e.Value.(map[string]any)
	var found []backstop.Field
	for name := range object {
		if e.Schema.Properties[name] == nil {
			found = append(found, backstop.NewField(
				joinPath(path, name), backstop.FieldUnknown, "is not a known field: check its spelling"))
		}
	}
	return found
}

func schemaField(name string, e *openapi3.SchemaError) backstop.Field {
	schema := e.Schema
	switch e.SchemaField {
	case "required":
		return backstop.NewField(name, backstop.FieldRequired, "is required")
	case "nullable":
		return backstop.NewField(name, backstop.FieldNotNull, "must not be null")
	case "enum":
		values := strings.Trim(fmt.Sprint(schema.Enum), "[]")
		return backstop.NewField(name, backstop.FieldOneOf, "must be one of "+values, "values", values)
	case "minLength":
		return boundField(name, backstop.FieldLengthMin, minText(schema.MinLength, "characters"), "min", schema.MinLength)
	case "maxLength":
		return boundField(name, backstop.FieldLengthMax, "must have at most %v characters", "max", *schema.MaxLength)
	case "minimum", "maximum":
		return rangeField(name, schema)
	case "minItems":
		return boundField(name, backstop.FieldItemsMin, minText(schema.MinItems, "items"), "min", schema.MinItems)
	case "maxProperties":
		return boundField(name, backstop.FieldItemsMax, "must have at most %v items", "max", *schema.MaxProps)
	case "maxItems":
		return boundField(name, backstop.FieldItemsMax, "must have at most %v items", "max", *schema.MaxItems)
	default: // type, format, pattern
		return typeField(name, schema)
	}
}

// boundField returns a field that is outside a bound. The text has a place for the bound.
func boundField(name string, code backstop.FieldCode, text, param string, bound any) backstop.Field {
	return backstop.NewField(name, code, strings.Replace(text, "%v", fmt.Sprint(bound), 1), param, fmt.Sprint(bound))
}

func minText(least uint64, of string) string {
	if least == 1 {
		return "must not be empty"
	}
	return "must have at least %v " + of
}

func rangeField(name string, schema *openapi3.Schema) backstop.Field {
	number := func(f *float64) string { return strconv.FormatFloat(*f, 'f', 0, 64) }
	switch {
	case schema.Max == nil:
		return boundField(name, backstop.FieldValueMin, "must be at least %v", "min", number(schema.Min))
	case schema.Min == nil:
		return boundField(name, backstop.FieldValueMax, "must be at most %v", "max", number(schema.Max))
	default:
		least, most := number(schema.Min), number(schema.Max)
		reason := "must be between " + least + " and " + most
		return backstop.NewField(name, backstop.FieldValueBetween, reason, "min", least, "max", most)
	}
}

// typeField returns a field of the wrong type, format or pattern. The schema's x-code and x-reason say what is wanted, or else
// its type.
func typeField(name string, schema *openapi3.Schema) backstop.Field {
	code, _ := schema.Extensions["x-code"].(string)
	if words, ok := schema.Extensions["x-reason"].(string); ok {
		return backstop.NewField(name, backstop.FieldCode(code), words)
	}
	kind := strings.Join(schema.Type.Slice(), " or ")
	reason := "must be a " + kind
	switch kind {
	case "":
		return backstop.NewField(name, backstop.FieldSchema, "does not fit the schema")
	case openapi3.TypeArray, openapi3.TypeInteger, openapi3.TypeObject:
		reason = "must be an " + kind
	}
	return backstop.NewField(name, backstop.FieldWrongType, reason, "type", kind)
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
