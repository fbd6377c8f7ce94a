package postgres

import (
	"strings"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// idBefore returns an id that is newer than all items of the page.
func idBefore(page backstop.Page) (string, error) {
	if page.After == "" {
		return uuid.Max.String(), nil
	}
	id, ok := pool.ParseID(page.After)
	if !ok {
		return "", &backstop.Error{
			Code: backstop.Invalid, Message: "the page is not valid",
			Fields: []backstop.Field{backstop.NewField("cursor", backstop.FieldCursor, "is not a cursor that a list returned")},
		}
	}
	return id, nil
}

// cutPage drops the row after the page, which only shows that there are more.
func cutPage[T any](rows []T, limit int) ([]T, bool) {
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
