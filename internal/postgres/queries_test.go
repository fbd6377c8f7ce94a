package postgres_test

import (
	"errors"
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

// TestQueries prepares every query of these packages on the migrated schema, which checks its tables, columns and types.
func TestQueries(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	_, err := postgrestest.Open(t, url).Migrate(t.Context())
	require.NoError(t, err)
	db := postgrestest.Raw(t, url)

	const least = 8 // each package has more
	for _, dir := range []string{".", "ledgers"} {
		queries := source{}.queries(t, dir)
		require.Greater(t, len(queries), least, dir)
		for name, query := range queries {
			if _, err := db.ExecContext(t.Context(), "PREPARE "+name+" AS "+query); err != nil {
				t.Errorf("prepare %s: %v", name, err)
			}
			_, err := db.ExecContext(t.Context(), "DEALLOCATE ALL")
			require.NoError(t, err)
		}
	}
}

// source imports only the packages below this one, from their files, so that their constants are known.
type source struct{}

var errOther = errors.New("another package")

// Import implements types.Importer.
func (s source) Import(path string) (*types.Package, error) {
	dir, isOurs := strings.CutPrefix(path, "github.com/backstophq/backstop/internal/postgres/")
	if !isOurs {
		return nil, errOther
	}
	return s.check(dir, &types.Info{})
}

func (s source) check(dir string, info *types.Info) (*types.Package, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	// Most imports fail, but the constants are evaluated nevertheless.
	config := types.Config{Importer: s, Error: func(error) {}, IgnoreFuncBodies: true}
	checked, _ := config.Check(dir, set, files, info)
	return checked, nil
}

// queries returns the constants of a package that hold a whole query.
func (s source) queries(t *testing.T, dir string) map[string]string {
	t.Helper()
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	_, err := s.check(dir, &info)
	require.NoError(t, err)
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
