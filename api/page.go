package api

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
)

// defaultLimit is how many items a list returns unless it is asked for another number.
const defaultLimit = 50

// page reads the parameters of a list. A cursor is the id of the last item that the caller has seen, in a form that
// invites nobody to build one.
func page(cursor *string, limit *int) (backstop.Page, error) {
	p := backstop.Page{Limit: defaultLimit}
	if limit != nil {
		p.Limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	bad := badField("cursor", "is not the next_cursor of an answer")
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

// nextCursor is the cursor of what follows the item with this id.
func nextCursor(more bool, last func() string) *string {
	if !more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(last())))
}

// canonical is the form of an id in which it is stored.
func canonical(id string) string { return strings.ToLower(id) }

// optional is nil for a zero value, so that the answer leaves the field out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// listed is nil for a list without items, for fields that are left out then.
func listed[T any](items []T) *[]T {
	if len(items) == 0 {
		return nil
	}
	return &items
}

// value is what a caller gave, or the zero value.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}
