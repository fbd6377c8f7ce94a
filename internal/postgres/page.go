package postgres

import (
	"cmp"
	"context"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// idAfter returns the id of the item before the page, in canonical form; empty for the first page.
func idAfter(page backstop.Page) (string, error) {
	if page.After == "" {
		return "", nil
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

// andPage adds that the rows follow the last one of the page before, and returns the order of the list. It is for rules and
// policies. An item's place is its value and its id, so no item is lost or repeated if values are equal.
func (w *where) andPage(page backstop.Page) (by string, err error) {
	after, err := idAfter(page)
	if err != nil {
		return "", err
	}
	field, isDescending := strings.CutPrefix(cmp.Or(string(page.Sort), "-created_at"), "-")
	direction, comparison := "ASC", ">"
	if isDescending {
		direction, comparison = "DESC", "<"
	}
	columns := map[string]struct{ column, value string }{
		"updated_at": {"updated_at", "?::timestamptz"}, "name": {"lower(name)", "lower(?)"},
	}
	c, found := columns[field]
	if !found { // the ids are in the order of creation
		if after != "" {
			w.and(`id `+comparison+` ?`, after)
		}
		return "id " + direction, nil
	}
	if after != "" {
		w.and(`(`+c.column+`, id) `+comparison+` (`+c.value+`, ?)`, page.Value, after)
	}
	return c.column + " " + direction + ", id " + direction, nil
}

// countUpTo counts the rows of a table that fit a condition, up to backstop.MaxTotal.
func (db *DB) countUpTo(ctx context.Context, table string, w where) (backstop.Total, error) {
	query := `SELECT count(*) FROM (SELECT FROM ` + table + ` WHERE ` + w.String() + `
LIMIT ` + w.param(backstop.MaxTotal+1) + `) AS counted`
	var count int
	err := db.pool.GetUnprepared(ctx, &count, query, w.values...)
	total := backstop.Total{Count: min(count, backstop.MaxTotal), IsExact: count <= backstop.MaxTotal}
	return total, pool.Failed(ctx, "count "+table, err)
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
