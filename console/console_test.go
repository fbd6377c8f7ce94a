package console_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/console"
)

// The page exists with and without a build. It has a placeholder for the nonce, without which the browser refuses its styles.
func TestFiles(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(console.Files(), "index.html")
	require.NoError(t, err)
	require.Contains(t, string(page), `nonce="__CSP_NONCE__"`)
}
