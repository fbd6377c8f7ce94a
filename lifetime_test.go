package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestSend_CheckAt(t *testing.T) {
	t.Parallel()
	accepted := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	rules := func(waits ...int) backstop.Plan {
		var p backstop.Plan
		for _, wait := range waits {
			p.Rules = append(p.Rules, backstop.Rule{WaitSeconds: wait})
		}
		return p
	}
	for name, c := range map[string]struct {
		plan    backstop.Plan
		expires *time.Time
		want    time.Duration
	}{
		"no wait":          {rules(0), nil, 10 * time.Minute},
		"the longest wait": {rules(30, 3600, 0), nil, 70 * time.Minute},
		"expires before":   {rules(3600), new(accepted.Add(time.Minute)), 11 * time.Minute},
		"expires after":    {rules(60), new(accepted.Add(time.Hour)), 11 * time.Minute},
	} {
		send := backstop.Send{AcceptedAt: accepted, Plan: c.plan, ExpiresAt: c.expires}
		require.Equal(t, accepted.Add(c.want), send.CheckAt(), name)
	}
}
