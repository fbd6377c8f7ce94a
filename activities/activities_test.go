package activities_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

func TestNew(t *testing.T) {
	t.Parallel()
	full := activities.Options{
		Store: &store{}, WhatsApp: whatsapp{}, SMS: routes(sms{}, sms{}), Log: slog.New(slog.DiscardHandler),
	}
	_, err := activities.New(full)
	require.NoError(t, err)
	for name, without := range map[string]func(*activities.Options){
		"store":    func(o *activities.Options) { o.Store = nil },
		"whatsapp": func(o *activities.Options) { o.WhatsApp = nil },
		"sms":      func(o *activities.Options) { o.SMS = nil },
		"no name":  func(o *activities.Options) { o.SMS = []activities.Route{{SMS: sms{}}} },
		"driver":   func(o *activities.Options) { o.SMS = []activities.Route{{Name: "first"}} },
		"twice":    func(o *activities.Options) { o.SMS = append(routes(sms{}), routes(sms{})...) },
		"log":      func(o *activities.Options) { o.Log = nil },
	} {
		o := full
		without(&o)
		_, err := activities.New(o)
		require.Error(t, err, name)
	}
}

func TestActivities_RecordAndFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	at := time.Now()
	for range 2 { // the engine may repeat both
		event := backstop.Event{Send: send.ID, At: at, Kind: backstop.EventExpired, Rule: "unread"}
		require.NoError(t, r.acts.Record(t.Context(), event))
	}
	for range 2 {
		outcome, err := r.acts.Finish(t.Context(), send.ID, at)
		require.NoError(t, err)
		require.Equal(t, backstop.OutcomeExpired, outcome)
	}
	_, events, err := r.db.Timeline(t.Context(), send.ID)
	require.NoError(t, err)
	require.Len(t, events, 3, "accepted, expired, finished")
}
