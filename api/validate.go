package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// The largest bodies, in bytes. The largest valid body is a send with a full template. JSON may escape each of its bytes as \u
// and four digits: 6 times 32,768 bytes of components, 16,384 of variables, 1,600 of SMS text and 780 of all other names and
// values make 309,192 bytes. The rest is for white space. A sign-in has a key of at most 512 characters.
const (
	maxBody   = 384 << 10
	maxSignIn = 4 << 10
)

// checkContract returns a handler that validates a request against the contract. It refuses a body of more than limit bytes.
func (s *server) checkContract(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) { s.checkRequest(c, limit) }
}

func (s *server) checkRequest(c *gin.Context, limit int64) {
	route := s.contract.routes[c.Request.Method+" "+c.FullPath()]
	if err := checkQuery(c.Request.URL.RawQuery, route); err != nil {
		s.fail(c, err)
		return
	}
	if err := readBody(c, limit, route.Operation.RequestBody); err != nil {
		s.fail(c, err)
		return
	}
	params := map[string]string{}
	for _, p := range c.Params {
		params[p.Key] = p.Value
	}
	err := openapi3filter.ValidateRequest(c.Request.Context(), &openapi3filter.RequestValidationInput{
		Request: c.Request, PathParams: params, Route: route, Options: s.contract.options,
	})
	if err != nil {
		s.fail(c, violationError(err))
	}
}

// checkQuery makes the checks that OpenAPI cannot express: it refuses unknown and repeated parameters, and text that is not
// UTF-8.
func checkQuery(raw string, route *routers.Route) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &backstop.Error{Code: malformed, Message: "the query of the URL is malformed: percent-encode the values"}
	}
	for name, values := range query {
		known := route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		switch {
		case known == nil:
			return badField(name, backstop.FieldUnknown, "is not a known parameter: check its spelling")
		case len(values) > 1 && !known.Schema.Value.Type.Is(openapi3.TypeArray):
			return badField(name, backstop.FieldGivenTwice, "must be given only once")
		case slices.ContainsFunc(values, isNoText):
			return badField(name, backstop.FieldNotText, "must be text in UTF-8 without the NUL character")
		}
	}
	return nil
}

func isNoText(value string) bool { return !utf8.ValidString(value) || strings.ContainsRune(value, 0) }

// readBody reads a JSON body and replaces it by its canonical form: sorted keys, no white space, no repeated names. So the
// validator and the binding interpret the same document. Wanted is nil if the request has no body.
func readBody(c *gin.Context, limit int64, wanted *openapi3.RequestBodyRef) error {
	body, err := readAll(c, limit)
	switch {
	case err != nil:
		return err
	case wanted == nil && len(body) > 0:
		return &backstop.Error{Code: malformed, Message: "this request must not have a body"}
	case wanted == nil:
		return nil
	case len(body) == 0:
		return &backstop.Error{Code: malformed, Message: "the body is missing: send a JSON document"}
	}
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || wanted.Value.Content[media] == nil {
		types := strings.Join(slices.Sorted(maps.Keys(wanted.Value.Content)), " or ")
		return &backstop.Error{Code: unsupportedMediaType, Message: "the Content-Type must be " + types}
	}
	c.Request.Header.Set("Content-Type", "application/json") // a merge patch is JSON too
	value, err := decodeJSON(body)
	if err != nil {
		return err
	}
	var canonical bytes.Buffer
	encoder := json.NewEncoder(&canonical)
	encoder.SetEscapeHTML(false) // < would take six bytes of the components' limit
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write the body again: %w", err)
	}
	c.Request.ContentLength = int64(canonical.Len())
	c.Request.Body = io.NopCloser(&canonical)
	return nil
}

// readAll reads a body of at most limit bytes.
func readAll(c *gin.Context, limit int64) ([]byte, error) {
	large := &backstop.Error{Code: tooLarge, Message: fmt.Sprintf("the body may have at most %d bytes", limit)}
	if c.Request.ContentLength > limit {
		return nil, large
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, large
	}
	if err != nil {
		return nil, &backstop.Error{Code: malformed, Message: "the body could not be read", Cause: err}
	}
	return body, nil
}

// violationError translates the validator's errors into an error of ours.
func violationError(err error) *backstop.Error {
	found := fieldsOf(err)
	if len(found) == 1 && found[0].Name == "If-Match" && found[0].Code == backstop.FieldRequired {
		return &backstop.Error{
			Code:    preconditionRequired,
			Message: "the header If-Match is missing: send the ETag that you read, or * for any version",
		}
	}
	return &backstop.Error{Code: malformed, Message: "the request does not fit the contract", Fields: found, Cause: err}
}

// maxFields is the most fields that the answer to an error lists.
const maxFields = 100

// fieldsOf walks the validator's tree of errors and returns each wrong field once, at most maxFields.
func fieldsOf(err error) []backstop.Field {
	var found []backstop.Field
	seen := map[string]bool{}
	objects := map[string]bool{} // whose unknown fields are found; the validator has an error for each of these fields
	add := func(list ...backstop.Field) {
		for _, f := range list {
			if !seen[f.Name] && len(found) < maxFields {
				seen[f.Name] = true
				found = append(found, f)
			}
		}
	}
	var walk func(err error, at *openapi3.Parameter)
	walk = func(err error, at *openapi3.Parameter) {
		switch e := err.(type) { //nolint:errorlint // this walks the tree itself
		case openapi3.MultiError:
			for _, inner := range e {
				walk(inner, at)
			}
		case *openapi3filter.RequestError:
			walk(e.Err, e.Parameter)
		case *openapi3.SchemaError:
			if e.SchemaField == unknownProperty {
				path := strings.Join(e.JSONPointer(), ".")
				if objects[path] {
					return
				}
				objects[path] = true
			}
			add(schemaFields(e, at)...)
		default:
			add(parameterField(err, at))
		}
	}
	walk(err, nil)
	return found
}

// parameterField returns the field of a parameter that is missing, empty or of the wrong type.
func parameterField(err error, at *openapi3.Parameter) backstop.Field {
	switch {
	case at == nil:
		return backstop.NewField("body", backstop.FieldSchema, "does not fit the contract")
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		return backstop.NewField(at.Name, backstop.FieldRequired, "is required")
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		return backstop.NewField(at.Name, backstop.FieldLengthMin, "must not be empty", "min", "1")
	default:
		return typeField(at.Name, at.Schema.Value)
	}
}

// failBinding answers a request that fits the contract but not the generated types, such as a repeated header. An integer may
// get here too: the validator rounds numbers, so it accepts 1.0000000000000000001 as an integer.
func (s *server) failBinding(c *gin.Context, err error) {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		s.fail(c, badField(e.Field, backstop.FieldWrongType, "must be an integer", "type", openapi3.TypeInteger))
		return
	}
	s.fail(c, &backstop.Error{Code: malformed, Message: "the request does not fit the contract", Cause: err})
}
