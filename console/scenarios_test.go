package console_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

// The console has the Chinese words of each scenario of the sandbox.
func TestScenarios(t *testing.T) {
	t.Parallel()
	words, err := os.ReadFile("src/i18n/scenarios.zh-CN.ts")
	require.NoError(t, err)
	for _, s := range sandbox.Scenarios() {
		require.Regexp(t, `"`+s.Digits+`": "[^|]+ \| [^|]+ \| [^|]+"`, string(words))
	}
}
