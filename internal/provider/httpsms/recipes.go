package httpsms

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// custom is the recipe of an account that has a document of its own.
const custom = "custom"

// Recipes are documents of gateways that are in common use. Their sources are named in docs/gateways.md.
//
//go:embed recipes/*.json
var recipes embed.FS

// readRecipes returns the recipes by name. A recipe that cannot be read is a fault of the program.
var readRecipes = sync.OnceValue(func() map[string]*gateway {
	files, err := recipes.ReadDir("recipes")
	if err != nil {
		panic(fmt.Sprintf("list recipes: %v", err))
	}
	all := make(map[string]*gateway, len(files))
	for _, file := range files {
		text, err := recipes.ReadFile(path.Join("recipes", file.Name()))
		if err != nil {
			panic(fmt.Sprintf("read recipe %s: %v", file.Name(), err))
		}
		g, err := readGateway(text)
		if err != nil {
			panic(fmt.Sprintf("read recipe %s: %v", file.Name(), err))
		}
		all[strings.TrimSuffix(file.Name(), ".json")] = g
	}
	return all
})

// recipeNames returns the names of the recipes, sorted.
func recipeNames() []string {
	var names []string
	for name := range readRecipes() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
