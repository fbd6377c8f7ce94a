package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// insert stores a send behind the guards, and returns the result as it is.
func (g *guarded) insert(
	send backstop.Send, key *handoff.Idempotency, checks backstop.GuardChecks,
) (backstop.Send, bool, error) {
	return g.db().InsertGuarded(g.t.Context(), send, key, checks)
}

// requireNew stores a send that no guard refuses.
func (g *guarded) requireNew(send backstop.Send, key *handoff.Idempotency, checks backstop.GuardChecks) backstop.Send {
	g.t.Helper()
	stored, created, err := g.insert(send, key, checks)
	require.NoError(g.t, err)
	require.True(g.t, created)
	require.Equal(g.t, stored, getSend(g.t, g.db(), send.ID))
	return stored
}

// all returns a check of each kind, with a cap for the number and the country.
func all(most int, text string) backstop.GuardChecks {
	checks := sameText(text, time.Minute)
	checks.Caps = []backstop.CapCheck{capOf(backstop.GuardRecipientCap, to, most), capOf(backstop.GuardCountryCap, "GB", most)}
	return checks
}

// requireCounted requires that both caps of all have the same count, and that as many contents are remembered.
func (g *guarded) requireCounted(sends, texts int) {
	g.t.Helper()
	require.Equal(g.t, sends, g.counted(backstop.GuardRecipientCap))
	require.Equal(g.t, sends, g.counted(backstop.GuardCountryCap))
	var rows int
	g.raw.Row(`SELECT count(*) FROM guard_texts`, nil, &rows)
	require.Equal(g.t, texts, rows)
}

func refusalOf(t *testing.T, err error) *backstop.GuardError {
	t.Helper()
	var refusal *backstop.GuardError
	require.ErrorAs(t, err, &refusal)
	return refusal
}

// A scheduled send counts when it is accepted, and the sweeper leaves it alone until its turn.
func TestDB_InsertGuarded_scheduled(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	later := func() backstop.Send {
		send := newSend(t)
		send.SendAt = new(send.AcceptedAt.Add(time.Hour))
		return send
	}
	first := g.requireNew(later(), nil, all(1, "a"))
	require.True(t, first.IsScheduled())
	_, events := timeline(t, g.db(), first.ID)
	require.Equal(t, []string{"accepted"}, postgrestest.Kinds(events))
	year := time.Now().Add(365 * 24 * time.Hour)
	require.Empty(t, claimSends(t, g.db(), year, 9))

	_, _, err := g.insert(later(), nil, all(1, "b"))
	require.Equal(t, backstop.GuardRecipientCap, refusalOf(t, err).Guard)
	_, _, err = g.insert(newSend(t), nil, all(9, "a"))
	require.Equal(t, first.ID, refusalOf(t, err).First.ID)
	g.requireCounted(1, 1)

	require.Equal(t, []string{first.ID}, sendIDs(claimScheduled(t, g.db(), *first.SendAt, 9, quick)))
}

// The content of a send that was cancelled may be sent again.
func TestDB_InsertGuarded_cancelled(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	first := g.requireNew(newSend(t), nil, all(2, "a"))
	_, _, err := g.insert(newSend(t), nil, all(2, "a"))
	require.Equal(t, first.ID, refusalOf(t, err).First.ID)
	_, err = g.db().Cancel(t.Context(), first.ID)
	require.NoError(t, err)
	second := g.requireNew(newSend(t), nil, all(2, "a"))
	_, _, err = g.insert(newSend(t), nil, all(2, "a"))
	require.Equal(t, second.ID, refusalOf(t, err).First.ID)
	g.requireCounted(2, 1)
}

// A send that an opt-out refuses or skips counts for no guard.
func TestDB_InsertGuarded_optedOut(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	_, err := g.db().PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutMarketing, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	key := &handoff.Idempotency{Key: "k", Hash: []byte("h")}
	for _, k := range []*handoff.Idempotency{nil, key} {
		_, _, err := g.insert(newSend(t), k, all(1, "a"))
		require.Equal(t, backstop.ErrOptedOut(), err)
	}
	skipping := newSend(t)
	skipping.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	skipped := g.requireNew(skipping, key, all(1, "a"))
	require.True(t, skipped.IsSkipped())
	_, events := timeline(t, g.db(), skipped.ID)
	require.Equal(t, []string{"accepted", "opted_out whatsapp", "finished"}, postgrestest.Kinds(events))
	g.requireCounted(0, 0)
	again, created, err := g.insert(newSend(t), key, all(1, "a"))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, skipped, again)

	skipping.SendAt = new(skipping.AcceptedAt.Add(time.Hour))
	skipping.ID, err = g.db().NewID(skipping.AcceptedAt)
	require.NoError(t, err)
	require.True(t, g.requireNew(skipping, nil, all(1, "a")).IsSkipped(), "a scheduled send is skipped at once too")
	g.requireCounted(0, 0)

	utility := newSend(t)
	utility.Category = backstop.Utility
	g.requireNew(utility, nil, all(1, "a"))
	g.requireCounted(1, 1)
}

// A send whose correlation_id is taken counts for no guard, and one that a guard refuses takes no correlation_id.
func TestDB_InsertGuarded_correlation(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	first := g.requireNew(uniqueSend(t, "order-7"), nil, all(2, "a"))
	_, _, err := g.insert(uniqueSend(t, "order-7"), nil, all(2, "b"))
	requireTaken(t, err, first.ID)
	key := &handoff.Idempotency{Key: "k", Hash: []byte("h")}
	_, _, err = g.insert(uniqueSend(t, "order-7"), key, all(2, "b"))
	requireTaken(t, err, first.ID)
	g.requireCounted(1, 1)
	_, _, err = g.insert(uniqueSend(t, "order-7"), nil, all(2, "a"))
	require.Equal(t, first.ID, refusalOf(t, err).First.ID, "the guards check first")

	_, _, err = g.insert(uniqueSend(t, "order-8"), nil, all(1, "b"))
	require.Equal(t, backstop.GuardRecipientCap, refusalOf(t, err).Guard)
	scheduled := uniqueSend(t, "order-8")
	scheduled.SendAt = new(scheduled.AcceptedAt.Add(time.Hour))
	scheduled.Metadata = map[string]string{"order": "8"}
	stored := g.requireNew(scheduled, key, all(2, "b"))
	require.Equal(t, scheduled.Metadata, stored.Metadata)
	g.requireCounted(2, 2)
	again, created, err := g.insert(uniqueSend(t, "order-8"), key, all(2, "b"))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, stored, again)
	g.requireCounted(2, 2)

	_, err = g.db().PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	skipping := uniqueSend(t, "order-7")
	skipping.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	_, _, err = g.insert(skipping, nil, all(9, "c"))
	requireTaken(t, err, first.ID)
	g.requireCounted(2, 2)
}

// A send with rules of its own has no policy.
func TestDB_InsertGuarded_ownRules(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	own := newSend(t)
	own.Plan.PolicyID, own.Plan.PolicyName = "", ""
	require.Empty(t, g.requireNew(own, nil, all(1, "a")).Plan.PolicyID)
	g.requireCounted(1, 1)
}
