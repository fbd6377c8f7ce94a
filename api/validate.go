package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// The most that a request may carry, in bytes: under /v1 room for the longest texts and a full template; a sign-in has a key of
// at most 512 characters.
const (
	maxBody   = 64 << 10
	maxSignIn = 4 << 10
)

// validate makes a handler that holds a request, with a body of at most limit bytes, against the contract before anything is
// bound or done.
func (s *server) validate(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) { s.hold(c, limit) }
}

func (s *server) hold(c *gin.Context, limit int64) {
	route := s.contract.routes[c.Request.Method+" "+c.FullPath()]
	if err := checkQuery(c.Request.URL.RawQuery, route); err != nil {
		s.fail(c, err)
		return
	}
	if err := readBody(c, limit, route.Operation.RequestBody != nil); err != nil {
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
		s.fail(c, violation(err))
	}
}

// checkQuery refuses what the contract cannot say: unknown parameters, repeated ones, and text that is no text.
func checkQuery(raw string, route *routers.Route) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &backstop.Error{Code: malformed, Message: "the query of the address cannot be read"}
	}
	for name, values := range query {
		switch {
		case route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil:
			return badField(name, "is not a known parameter")
		case len(values) > 1:
			return badField(name, "is given more than once")
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			return badField(name, "must be text in UTF-8 without the NUL character")
		}
	}
	return nil
}

// readBody reads a JSON body and puts it back in its canonical form (sorted keys, no spaces, nothing twice), so
// that whoever reads it after this reads the same.
func readBody(c *gin.Context, limit int64, wanted bool) error {
	body, err := readAll(c, limit)
	switch {
	case err != nil:
		return err
	case !wanted && len(body) > 0:
		return &backstop.Error{Code: malformed, Message: "this request takes no body"}
	case !wanted:
		return nil
	case len(body) == 0:
		return &backstop.Error{Code: malformed, Message: "the body is missing"}
	}
	if media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || media != "application/json" {
		return &backstop.Error{Code: unsupportedMediaType, Message: "the Content-Type must be application/json"}
	}
	value, err := decode(body)
	if err != nil {
		return err
	}
	canonical, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write the body again: %w", err)
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(canonical))
	c.Request.ContentLength = int64(len(canonical))
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

// violation says in our words what the validator found.
func violation(err error) *backstop.Error {
	found := fieldsOf(err)
	if len(found) == 1 && found[0].Name == "If-Match" && found[0].Reason == required {
		return &backstop.Error{
			Code:    preconditionRequired,
			Message: "say in If-Match which version you mean: the ETag that you read, or *",
		}
	}
	return &backstop.Error{Code: malformed, Message: "the request does not fit the contract", Fields: found, Cause: err}
}

// maxFields is how many wrong fields an answer names at most.
const maxFields = 100

// fieldsOf walks the validator's tree of errors and returns each wrong field once, up to maxFields.
func fieldsOf(err error) []backstop.Field {
	var found []backstop.Field
	seen := map[string]bool{}
	objects := map[string]bool{} // those whose unknown fields are found: the validator has an error for each field
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

// parameterField is about a parameter that is missing, empty or not of its type.
func parameterField(err error, at *openapi3.Parameter) backstop.Field {
	switch {
	case at == nil:
		return backstop.Field{Name: "body", Reason: "cannot be read"}
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		return backstop.Field{Name: at.Name, Reason: required}
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		return backstop.Field{Name: at.Name, Reason: "must not be empty"}
	default:
		return backstop.Field{Name: at.Name, Reason: ofType(at.Schema.Value)}
	}
}

// unbound answers a request that fits the contract and yet not the types of the program, such as a header given
// twice or a whole number written as 6e1.
func (s *server) unbound(c *gin.Context, err error) {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		s.fail(c, badField(e.Field, "must be written as a plain "+e.Type.String()))
		return
	}
	s.fail(c, &backstop.Error{Code: malformed, Message: "the request does not fit the contract", Cause: err})
}
