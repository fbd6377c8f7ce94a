package postgres

import (
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

// order is the SQL of a sort, for rules and policies.
type order struct {
	after string // whether a row is after the item with the id $1 and the value $2; true if $1 is empty
	by    string
}

// orders returns the SQL of each sort. An item's place is its value and its id, so no item is lost or repeated if values are
// equal.
func orders() map[backstop.Sort]order {
	return map[backstop.Sort]order{
		backstop.ByNewest:        orderByID("<", "DESC"),
		backstop.ByOldest:        orderByID(">", "ASC"),
		backstop.ByNewestChange:  orderBy("updated_at", "CAST(NULLIF($2, '') AS timestamptz)", "<", "DESC"),
		backstop.ByOldestChange:  orderBy("updated_at", "CAST(NULLIF($2, '') AS timestamptz)", ">", "ASC"),
		backstop.ByName:          orderBy("lower(name)", "lower($2)", ">", "ASC"),
		backstop.ByNameBackwards: orderBy("lower(name)", "lower($2)", "<", "DESC"),
	}
}

const afterID = "CAST(NULLIF($1, '') AS uuid)"

// orderByID needs no value. It names $2 all the same, because Postgres refuses a parameter that no part of a query names.
func orderByID(after, direction string) order {
	return order{
		after: "($1 = '' OR id " + after + " " + afterID + ") AND $2 = ''",
		by:    "id " + direction,
	}
}

func orderBy(column, value, after, direction string) order {
	return order{
		after: "($1 = '' OR (" + column + ", id) " + after + " (" + value + ", " + afterID + "))",
		by:    column + " " + direction + ", id " + direction,
	}
}

// inEachOrder returns a query for each sort, from its text with {after} and {by} for the parts of its order.
func inEachOrder(query string) map[backstop.Sort]string {
	queries := map[backstop.Sort]string{}
	for sort, o := range orders() {
		queries[sort] = strings.NewReplacer("{after}", o.after, "{by}", o.by).Replace(query)
	}
	return queries
}

// totalOf returns the total for a count that ends at one item more than backstop.MaxTotal.
func totalOf(count int) backstop.Total {
	return backstop.Total{Count: min(count, backstop.MaxTotal), IsExact: count <= backstop.MaxTotal}
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
