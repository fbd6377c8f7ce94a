package httpsms

import (
	"embed"
	"fmt"
	"strings"
)

// custom is the recipe of an account that has a document of its own.
const custom = "custom"

// recipes are the documents of gateways that are in common use. docs/gateways.md names their sources.
//
//go:embed recipes/*.json
var recipes embed.FS

// readRecipe returns the recipe of this name. It returns nil if there is none.
func readRecipe(name string) (*gateway, error) {
	text, err := recipes.ReadFile("recipes/" + name + ".json")
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // the files are in the program, so there is no other error
	}
	g, err := readGateway(text)
	if err != nil {
		return nil, fmt.Errorf("read recipe %s: %w", name, err)
	}
	return g, nil
}

// readRecipes returns all recipes by name.
func readRecipes() (map[string]*gateway, error) {
	files, err := recipes.ReadDir("recipes")
	if err != nil {
		return nil, fmt.Errorf("list recipes: %w", err)
	}
	all := make(map[string]*gateway, len(files))
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		if all[name], err = readRecipe(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}
