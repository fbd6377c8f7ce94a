package httpsms_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/provider/httpsms"
)

// TestDocuments_gateways: the page has a section for each recipe, and its document opens.
func TestDocuments_gateways(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/gateways.md")
	require.NoError(t, err)
	field, _ := httpsms.Driver().Field("recipe")
	for _, recipe := range field.Choices {
		require.Contains(t, string(page), "`"+recipe+"`")
	}
	_, document, found := strings.Cut(string(page), "```json\n")
	require.True(t, found)
	document, _, _ = strings.Cut(document, "```")
	open(t, settings(t, "https://gateway.example", "custom", document))
}
