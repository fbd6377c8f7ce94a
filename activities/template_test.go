package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// A template that cannot be sent is a rejection without a call, also if the activity is repeated.
func TestActivities_SendWhatsApp_unsendable(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *backstop.Send) { s.Plan.Template = &backstop.PlanTemplate{Fault: "paused"} })
	for range 2 {
		result, err := r.runOn(backstop.WhatsApp)
		require.NoError(t, err)
		require.Equal(t, activities.Rejected, result.Verdict)
		require.Equal(t, backstop.Failed, result.View.WhatsApp)
	}
	require.Zero(t, r.provider.calls())
}
