package console

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestPick(t *testing.T) {
	t.Parallel()
	page := func(files fstest.MapFS) string {
		text, err := fs.ReadFile(firstBuilt(files), index)
		require.NoError(t, err)
		return string(text)
	}
	files := fstest.MapFS{"static/unbuilt/index.html": {Data: []byte("unbuilt")}}
	require.Equal(t, "unbuilt", page(files))
	files["static/app/assets/left.js"] = &fstest.MapFile{}
	require.Equal(t, "unbuilt", page(files), "a build that was broken off")
	files["static/app/index.html"] = &fstest.MapFile{Data: []byte("app")}
	require.Equal(t, "app", page(files))
	require.Panics(t, func() { firstBuilt(fstest.MapFS{}) })
}
