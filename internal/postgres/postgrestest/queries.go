package postgrestest

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// PrepareQueries prepares every query of the package under test on the migrated schema, which checks its tables, columns and
// types. A query is a constant, or a variable that is composed when the package is initialised. The test gives the values of
// these variables, and PrepareQueries fails if it lacks one.
func PrepareQueries(t *testing.T, composed map[string]string) {
	t.Helper()
	queries, variables := findQueries(t)
	const least = 6 // each package has more
	require.Greater(t, len(queries)+len(variables), least)
	for _, name := range variables {
		require.Contains(t, composed, name, "a query that is not prepared")
	}
	maps.Copy(queries, composed)
	url := URL(t)
	_, err := Open(t, url).Migrate(t.Context())
	require.NoError(t, err)
	db := Raw(t, url)
	for name, query := range queries {
		if _, err := db.ExecContext(t.Context(), "PREPARE "+name+" AS "+query); err != nil {
			t.Errorf("prepare %s: %v", name, err)
		}
		_, err := db.ExecContext(t.Context(), "DEALLOCATE ALL")
		require.NoError(t, err)
	}
}

var wholeQuery = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)

// findQueries returns the constants of the package in the working directory that hold a whole query, and the names of its
// variables whose text begins like one.
func findQueries(t *testing.T) (constants map[string]string, variables []string) {
	t.Helper()
	set := token.NewFileSet()
	files := parsePackage(t, set)
	constants = map[string]string{}
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	// The imports fail, but the constants are evaluated nevertheless.
	config := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	_, _ = config.Check(".", set, files, &info)
	for ident, object := range info.Defs {
		c, ok := object.(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		if query := constant.StringVal(c.Val()); wholeQuery.MatchString(query) {
			constants[ident.Name] = query
		}
	}
	for _, file := range files {
		for _, declared := range file.Decls {
			variables = append(variables, queryVariables(declared)...)
		}
	}
	return constants, variables
}

func parsePackage(t *testing.T, set *token.FileSet) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// queryVariables returns the declared variables whose first literal begins like a query.
func queryVariables(declared ast.Decl) (names []string) {
	variables, ok := declared.(*ast.GenDecl)
	if !ok || variables.Tok != token.VAR {
		return nil
	}
	for _, spec := range variables.Specs {
		spec, _ := spec.(*ast.ValueSpec)
		for i, value := range spec.Values {
			if wholeQuery.MatchString(firstLiteral(value)) {
				names = append(names, spec.Names[i].Name)
			}
		}
	}
	return names
}

func firstLiteral(value ast.Expr) (text string) {
	ast.Inspect(value, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING && text == "" {
			text, _ = strconv.Unquote(literal.Value)
		}
		return text == ""
	})
	return text
}
