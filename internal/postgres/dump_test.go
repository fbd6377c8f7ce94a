package postgres_test

import (
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// encodings returns a text, and the forms in which a column of bytes, or a sealed value that is not, would have it.
func encodings(text string) []string {
	return []string{text, hex.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text))}
}

// markedTables returns the tables that have a mark in any column.
func markedTables(t *testing.T, raw *sql.DB, marks []string) (list []string) {
	t.Helper()
	tables, err := raw.QueryContext(t.Context(), `SELECT DISTINCT table_name FROM information_schema.columns
WHERE table_schema = current_schema() AND (data_type IN ('text', 'json', 'jsonb', 'bytea', 'ARRAY') OR domain_name IS NOT NULL) ORDER BY 1`)
	require.NoError(t, err)
	defer tables.Close()
	var names []string
	for tables.Next() {
		var name string
		require.NoError(t, tables.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, tables.Err())
	require.Greater(t, len(names), 20)
	for _, name := range names {
		for _, mark := range marks {
			var n int
			err := raw.QueryRowContext(t.Context(), `SELECT count(*) FROM `+name+` AS t WHERE position($1 in t::text) > 0`, mark).Scan(&n)
			require.NoError(t, err)
			if n > 0 {
				list = append(list, name)
				break
			}
		}
	}
	return list
}
