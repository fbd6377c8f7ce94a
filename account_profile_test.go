package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestNumberProfile_RecipientLimit(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{
		"tier_50": 50, "tier_250": 250, "tier_1k": 1000, "tier_2k": 2000, "tier_2000": 2000, "tier_10k": 10_000,
		"tier_100k": 100_000, "tier_unlimited": 0, "tier_not_set": 0, "untiered": 0, "unlimited": 0, "250": 0, "": 0,
		"tier_": 0, "tier_k": 0, "tier_-5": 0, "tier_1m": 0, "tier_9999999k": 0, "tier_99999999999999999999": 0,
	} {
		require.Equal(t, want, backstop.NumberProfile{MessagingLimit: word}.RecipientLimit(), word)
	}
}
