package postgrestest

import (
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"testing"
)

const listDumped = `SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = current_schema()
    AND (data_type IN ('text', 'json', 'jsonb', 'bytea', 'ARRAY') OR domain_name IS NOT NULL) ORDER BY 1`

// Encodings returns a text, and its forms in a column of bytes and in base64.
func Encodings(text string) []string {
	return []string{text, hex.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text))}
}

// TablesWith returns the tables that have one of the marks in any column of any row.
func TablesWith(tb testing.TB, db *sql.DB, marks []string) (list []string) {
	tb.Helper()
	for _, table := range dumpedTables(tb, db) {
		for _, mark := range marks {
			var n int
			err := db.QueryRowContext(tb.Context(), `SELECT count(*) FROM `+table+` AS t WHERE position($1 in t::text) > 0`, mark).Scan(&n)
			if err != nil {
				tb.Fatalf("search %s: %v", table, err)
			}
			if n > 0 {
				list = append(list, table)
				break
			}
		}
	}
	return list
}

func dumpedTables(tb testing.TB, db *sql.DB) (names []string) {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), listDumped)
	if err != nil {
		tb.Fatalf("list tables: %v", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			tb.Fatalf("list tables: %v", err)
		}
		names = append(names, name)
	}
	const least = 20
	if err := rows.Err(); err != nil || len(names) < least {
		tb.Fatalf("list tables: %d: %v", len(names), err)
	}
	return names
}
