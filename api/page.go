package api

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
)

// defaultLimit is the number of items that a list returns if the caller sets no limit.
const defaultLimit = 50

// readPage reads the parameters of a list in the order of a sort. A cursor has the place of the last item of the previous page,
// in base64: callers should treat it as opaque.
func readPage(cursor *string, limit *int, sort backstop.Sort) (backstop.Page, error) {
	p := backstop.Page{Limit: defaultLimit, Sort: sort}
	if limit != nil {
		p.Limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	place, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil {
		return p, badCursor()
	}
	of, id, value, ok := splitPlace(string(place))
	switch {
	case !ok:
		return p, badCursor()
	case of != sort:
		return p, badField("cursor", backstop.FieldCursor, "belongs to another order: send the same order with each cursor")
	}
	p.After, p.Value = id, value
	return p, nil
}

func badCursor() error {
	return badField("cursor", backstop.FieldCursor, "must be the next_cursor of an earlier answer")
}

// splitPlace reads the text of a cursor: the id of an item, and in another order than the default "<id> <sort> <value>".
func splitPlace(place string) (sort backstop.Sort, id, value string, ok bool) {
	id, rest, isSorted := strings.Cut(place, " ")
	if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
		return "", "", "", false
	}
	if !isSorted {
		return backstop.ByNewest, id, "", true
	}
	by, value, _ := strings.Cut(rest, " ")
	sort = backstop.Sort(by)
	return sort, id, value, isValueOf(sort, value)
}

// isValueOf reports whether an item may have this value in the field of a sort.
func isValueOf(sort backstop.Sort, value string) bool {
	switch sort {
	case backstop.ByOldest:
		return value == ""
	case backstop.ByNewestChange, backstop.ByOldestChange:
		at, err := time.Parse(time.RFC3339Nano, value)
		// Postgres has no year 0, and refuses some zones.
		return err == nil && at.Year() > 0 && at.UTC().Format(time.RFC3339Nano) == value
	case backstop.ByName, backstop.ByNameBackwards:
		return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
	case backstop.ByNewest: // its cursor is an id alone
	}
	return false
}

// nextCursor returns the cursor of the next page, or nil if there is no more. last returns the place of the last item of this
// page.
func nextCursor(more bool, last func() string) *string {
	if !more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(last())))
}

// sortOf returns the order of a list from its parameter.
func sortOf[S ~string](sort *S) backstop.Sort {
	if s := orZero(sort); s != "-created_at" {
		return backstop.Sort(s)
	}
	return backstop.ByNewest
}

// placeOf returns the text of a cursor: the place of an item in the order of a sort.
func placeOf(sort backstop.Sort, id, name string, updated time.Time) string {
	value := ""
	switch sort {
	case backstop.ByNewest:
		return id
	case backstop.ByOldest:
	case backstop.ByNewestChange, backstop.ByOldestChange:
		value = updated.UTC().Format(time.RFC3339Nano)
	case backstop.ByName, backstop.ByNameBackwards:
		value = name
	}
	return id + " " + string(sort) + " " + value
}

// countIf returns the total of a list, or nil if the request does not ask for it.
func countIf(wanted *bool, count func() (backstop.Total, error)) (*Total, error) {
	if !orZero(wanted) {
		return nil, nil //nolint:nilnil // the answer then has no total
	}
	total, err := count()
	return showTotal(total), err
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
