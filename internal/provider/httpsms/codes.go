package httpsms

import (
	_ "embed"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// explanations says what the codes of the recipes mean, for people.
//
//go:embed codes.json
var explanations []byte

// ErrorCodes returns the error codes of the recipes. Each begins with the name of its recipe.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	return provider.Explain(name, explanations, codeMeaning)
}

// codeMeaning returns the meaning of a code like "sinch.402", or zero.
func codeMeaning(code string) provider.Meaning {
	recipe, own, _ := strings.Cut(code, ".")
	g, known := readRecipes()[recipe]
	if !known {
		return 0
	}
	return g.codes[own]
}
