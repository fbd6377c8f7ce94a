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
	all, err := readRecipes()
	if err != nil {
		return nil, err
	}
	return provider.Explain(name, explanations, func(code string) provider.Meaning {
		recipe, own, _ := strings.Cut(code, ".") // like "sinch.406"
		if g := all[recipe]; g != nil {
			return g.codes[own]
		}
		return 0
	})
}
