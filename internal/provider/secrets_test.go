package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/provider"
)

// A short secret is a part of common words: to hide it would make every text unreadable.
func TestSecrets_short(t *testing.T) {
	t.Parallel()
	var shared provider.Secrets
	shared.Add("e", "sms", "s3cr3t")
	poster := provider.NewPoster(0, &shared)
	require.Equal(t, "Message undeliverable: *** sms", poster.Text("Message undeliverable: s3cr3t sms"))
}
