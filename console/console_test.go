package console_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/console"
)

// TestFiles: built or not, there is a page, and it has a place for the nonce without which its styles are refused.
func TestFiles(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(console.Files(), "index.html")
	require.NoError(t, err)
	require.Contains(t, string(page), `nonce="__CSP_NONCE__"`)
}
