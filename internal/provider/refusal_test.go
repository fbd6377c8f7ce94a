package provider_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// TestPoster_Refused_sender: a rule with a wrong sender is an account fault, so another account sends. It says nothing of the messages that the
// account sends for other rules, so it opens no circuit. Wrong credentials do.
func TestPoster_Refused_sender(t *testing.T) {
	t.Parallel()
	p := provider.NewPoster(0, nil)
	for meaning, isNarrow := range map[provider.Meaning]bool{provider.Sender: true, provider.Account: false} {
		f := p.Refused(provider.Answer{Status: http.StatusBadRequest}, &provider.Refusal{Code: "1", Text: "no", Meaning: meaning})
		require.Equal(t, backstop.Rejected, f.Kind)
		require.Equal(t, backstop.AccountFault, f.Class)
		require.Equal(t, isNarrow, f.IsNarrow)
	}
}
