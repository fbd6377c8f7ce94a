// Package console holds the web console as files: the app that `make console` has built or, in a program that was built
// without it, a page that says so. Building the program never needs Node.
package console

import (
	"embed"
	"io/fs"
)

// static has the app in static/app, where Vite puts it and git does not look, and the page in its place in static/unbuilt.
//
//go:embed all:static
var static embed.FS

// index is the page that every other is a view of.
const index = "index.html"

// Files returns what is to be served at /console/; there always is an index.html.
func Files() fs.FS { return pick(static) }

func pick(files fs.FS) fs.FS {
	for _, folder := range []string{"static/app", "static/unbuilt"} {
		if sub, err := fs.Sub(files, folder); err == nil {
			if _, err := fs.Stat(sub, index); err == nil {
				return sub
			}
		}
	}
	panic("the console has no page: static/unbuilt is part of the source")
}
