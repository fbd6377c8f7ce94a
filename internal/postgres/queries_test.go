package postgres_test

import (
	"database/sql"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// TestQueries prepares every query of the package on the migrated schema, which checks its tables, columns and types.
func TestQueries(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	_, err := postgrestest.Open(t, url).Migrate(t.Context())
	require.NoError(t, err)
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	queries := queries(t)
	require.Greater(t, len(queries), 30, "found too few to believe")
	for name, query := range queries {
		if _, err := db.ExecContext(t.Context(), "PREPARE "+name+" AS "+query); err != nil {
			t.Errorf("prepare %s: %v", name, err)
		}
	}
}

// queries finds the package's constants that hold a whole query.
func queries(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	// The imports are not resolved, but constants are worked out all the same.
	config := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	_, _ = config.Check("postgres", set, files, &info)
	whole := regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)
	found := map[string]string{}
	for ident, object := range info.Defs {
		c, ok := object.(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		if query := constant.StringVal(c.Val()); whole.MatchString(query) {
			found[ident.Name] = query
		}
	}
	return found
}
