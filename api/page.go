package api

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
)

// defaultLimit is the number of items that a list returns if the caller sets no limit.
const defaultLimit = 50

// readPage reads the parameters of a list. A cursor is the id of the last item of the previous page, in base64: callers
// should treat it as opaque.
func readPage(cursor *string, limit *int) (backstop.Page, error) {
	p := backstop.Page{Limit: defaultLimit}
	if limit != nil {
		p.Limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	bad := badField("cursor", backstop.FieldCursor, "must be the next_cursor of an earlier answer")
	id, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil {
		return p, bad
	}
	parsed, err := uuid.Parse(string(id))
	if err != nil || parsed.String() != string(id) {
		return p, bad
	}
	p.After = string(id)
	return p, nil
}

// nextCursor returns the cursor of the next page, or nil if there is no more. last returns the id of the last item of this page.
func nextCursor(more bool, last func() string) *string {
	if !more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(last())))
}

// canonicalID returns an id in the form in which it is stored.
func canonicalID(id string) string { return strings.ToLower(id) }

// omitZero returns nil for a zero value, so the answer omits the field.
func omitZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// omitEmpty returns nil for a list without items, so the answer omits the field.
func omitEmpty[T any](items []T) *[]T {
	if len(items) == 0 {
		return nil
	}
	return &items
}

// orZero returns the value that a pointer points to, or the zero value if it is nil.
func orZero[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}
