package backstop_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// smsProvider is a provider whose accounts have no settings.
func smsProvider() backstop.Provider {
	return backstop.Provider{Name: "any", Channels: []backstop.Channel{backstop.SMS}}
}

func TestProvider_ValidateAccount_callsPerSecond(t *testing.T) {
	t.Parallel()
	validate := func(perSecond float64) error {
		return smsProvider().ValidateAccount(backstop.Account{
			Name: "a", Provider: "any", Channel: backstop.SMS, OnUnknown: backstop.HoldUnknown,
			WhenUnhealthy: backstop.FallBackUnhealthy, CallTimeout: time.Second, CallsPerSecond: perSecond,
		})
	}
	for _, n := range []float64{0, backstop.MinCallsPerSecond, 0.5, backstop.MaxCallsPerSecond} {
		require.NoError(t, validate(n), "%v", n)
	}
	for n, want := range map[float64]backstop.Field{
		1e-9: backstop.NewField("calls_per_second", backstop.FieldValueMin, "must be at least 0.01, or 0 for no limit", "min", "0.01"),
		-1:   backstop.NewField("calls_per_second", backstop.FieldValueBetween, "must be between 0 and 10000", "min", "0", "max", "10000"),
	} {
		invalid, ok := errors.AsType[*backstop.Error](validate(n))
		require.True(t, ok, "%v", n)
		require.Equal(t, []backstop.Field{want}, invalid.Fields, "%v", n)
	}
	require.Error(t, validate(math.NaN()))
}
