package pool_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

type fixedPart struct {
	ID string `db:"id"`
}

type columnsRow struct {
	fixedPart

	Name   string `db:"full_name" json:"name"`
	Count  int    `json:"count,omitempty" type:"int"`
	Helper bool   // no column
}

func TestColumns(t *testing.T) {
	t.Parallel()
	columns := pool.ColumnsOf[columnsRow]()
	require.Equal(t, "id, full_name, count", columns.Names())
	require.Equal(t, "u.id, u.full_name, u.count", columns.NamesIn("u"))
	require.Equal(t, "$1, $2, $3", columns.Params())
	require.Equal(t, "id = $1, full_name = $2, count = $3", columns.Assign())
	require.Equal(t, "id = excluded.id, count = excluded.count", columns.Without("full_name").AssignExcluded())
	require.Equal(t, "json_to_recordset($4) AS u (count int)", columns.Without("id").Without("full_name").Recordset(pool.Param(4)))
	row := columnsRow{fixedPart: fixedPart{ID: "a"}, Name: "b", Count: 3, Helper: true}
	require.Equal(t, []any{"a", "b", 3}, columns.Values(row))
	require.Equal(t, "id, full_name, count", columns.Names(), "Without changes a copy")
}
