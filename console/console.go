// Package console has the files of the web console: the app that `make console` built, or a page that explains how to build it.
// The build of the program never needs Node.
package console

import (
	"embed"
	"io/fs"
)

// static has the app in static/app, which Vite writes and git ignores, and the page in its place in static/unbuilt.
//
//go:embed all:static
var static embed.FS

// index is the only page of the app. The other pages are views of it.
const index = "index.html"

// Files returns the files to serve at /console/. They always include index.html.
func Files() fs.FS { return firstBuilt(static) }

// firstBuilt returns the folder of the app, or of the page in its place.
func firstBuilt(files fs.FS) fs.FS {
	for _, folder := range []string{"static/app", "static/unbuilt"} {
		if sub, err := fs.Sub(files, folder); err == nil {
			if _, err := fs.Stat(sub, index); err == nil {
				return sub
			}
		}
	}
	panic("the console has no page: static/unbuilt is part of the source")
}
