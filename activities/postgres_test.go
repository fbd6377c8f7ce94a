package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// cluster is one Postgres with several processes. Each process has its own connections and its own cache.
type cluster struct {
	t   *testing.T
	url string
}

func newCluster(t *testing.T) cluster {
	t.Helper()
	c := cluster{t, postgrestest.URL(t)}
	_, err := c.process().Migrate(t.Context())
	require.NoError(t, err)
	return c
}

func (c cluster) process() *postgres.DB {
	c.t.Helper()
	return postgrestest.Open(c.t, c.url)
}

// rig stores a send, and returns a rig for it in a new process.
func (c cluster) rig(change ...func(*backstop.Send)) *rig {
	c.t.Helper()
	db := c.process()
	send, _, err := db.InsertSend(c.t.Context(), newSend(c.t, change...), nil)
	require.NoError(c.t, err)
	return newRigOn(c.t, send, db, newClock(), func(r backstop.Receipt) bool {
		waited, err := db.InsertReceipts(c.t.Context(), []backstop.Receipt{r})
		require.NoError(c.t, err)
		return len(waited) > 0
	})
}

// moveOn moves the rig to a new process.
func (c cluster) moveOn(r *rig) {
	c.t.Helper()
	r.store.Store = c.process()
	r.restart()
}

// The call has ended, and its result did not reach the engine. Another worker returns the same result without another call.
func TestActivities_secondRun(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, channel := range channels {
		r := c.rig()
		r.store.beginAgain = true // the answer of the first Begin is lost
		first, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, first, err)
		require.Equal(t, channel == backstop.SMS, first.View.Outcome == backstop.OutcomePending)
		c.moveOn(r)
		second, err := r.runOn(channel)
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Equal(t, 1, r.provider.calls())
		require.Equal(t, 1, r.attempt(channel).Number)
	}
}

// The worker died during the call. The message may be out, so the call is not repeated. The next run waits for CallTimeout,
// because the worker may still be calling.
func TestActivities_deadWorker(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		c := newCluster(t)
		r := c.rig()
		slow, slowStore := r.otherBegins(channel), r.store.Store
		c.moveOn(r)
		_, err := r.runOn(channel)
		early, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, activities.UnderWay, early.Type())
		require.Greater(t, early.NextRetryDelay(), activities.CallTimeout/2)
		require.LessOrEqual(t, early.NextRetryDelay(), activities.CallTimeout)
		postgrestest.AgeCalls(t, c.url, activities.CallTimeout)
		c.moveOn(r)
		for range 2 {
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Unknown, result, err)
			require.Empty(t, result.View.Outcome)
		}
		require.Zero(t, r.provider.calls())

		// The first worker was only slow, and stores the end now.
		_, view, err := slowStore.End(t.Context(), r.send.ID, backstop.Ending{
			Step: slow.Ref.Step, Token: slow.Token, SMSReceiptWait: time.Hour,
			Submission: backstop.Submission{MessageID: "late"},
		})
		require.NoError(t, err)
		require.Equal(t, backstop.Submitted, view.Of(channel))
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Empty(t, result.View.Outcome, "the workflow may have the unknown end, and wait")
	}
}

// Postgres is away at the end of the call. The next run stores the end from another process, without the message id. A receipt
// with our reference brings the id.
func TestActivities_endNotStored_otherProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, channel := range channels {
		r := c.rig()
		r.store.endAway.left.Store(1)
		_, err := r.runOn(channel)
		requireRetry(t, activities.Unsaved, 0, err)
		c.moveOn(r)
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Empty(t, r.attempt(channel).MessageID)
		r.receive(channel, backstop.Sent)
		require.NotEmpty(t, r.attempt(channel).MessageID)
		require.Equal(t, backstop.Sent, r.ledger().View().Of(channel))
		require.Equal(t, 1, r.provider.calls())
	}
}

// An activity that waits for receipts gets a receipt that another process stores.
func TestActivities_awaitsReceipts_otherProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, status := range []backstop.Status{backstop.Read, backstop.Failed} {
		r := c.rig()
		end, other := r.startWaiting(), c.process()
		ref := r.attempt(backstop.WhatsApp).Ref
		waited, err := other.InsertReceipts(t.Context(), []backstop.Receipt{{
			Provider: "scripted", Account: number, Channel: backstop.WhatsApp, MessageID: ref.String(), Ref: ref, Status: status, At: time.Now(),
		}})
		require.NoError(t, err)
		require.Empty(t, waited)
		require.Equal(t, status, end().View.WhatsApp)
	}
}

// A receipt without our reference is matched by the account and the message id, even if it comes before the end of the call.
func TestActivities_SendSMS_route_receipts(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for account, driver := range map[string]string{"first": "scripted", "second": "other"} {
		for _, early := range []bool{true, false} {
			r := c.rig(withRules(newRule("unread", backstop.Unread, account)))
			receive := func() {
				ref := backstop.Ref{Send: r.send.ID, Step: backstop.SMSStep(0, 0, false)}
				r.receipt(backstop.Receipt{
					Provider: driver, Account: account, Channel: backstop.SMS, MessageID: ref.String(), Status: backstop.Delivered,
					At: time.Now(),
				})
			}
			if early {
				r.provider.answers(meanwhile(receive))
			}
			result, err := r.runOn(backstop.SMS)
			r.requireVerdict(activities.Accepted, result, err)
			if early {
				require.Equal(t, backstop.OutcomeSMS, result.View.Outcome)
			} else {
				receive()
			}
			require.Equal(t, backstop.Delivered, r.ledger().Send.Status.SMS)
		}
	}
}

// Two sends have the same text and number. A message that the provider finds belongs to the send that stored its id.
func TestActivities_Inquire_twins(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	r, twin := c.rig(), c.rig()
	result, err := twin.runOn(backstop.SMS)
	twin.requireVerdict(activities.Accepted, result, err)
	found := &backstop.Found{MessageID: twin.attempt(backstop.SMS).MessageID, Status: backstop.Delivered}
	r.asked(found, nil)
	r.unknownSMS()
	view, err := r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.Queued, view.SMS)

	twin.asked(found, nil)
	view, err = twin.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.OutcomeSMS, view.Outcome)

	found.MessageID = "SM of its own"
	view, err = r.inquire()
	require.NoError(t, err)
	require.Equal(t, backstop.OutcomeSMS, view.Outcome)
	require.Equal(t, found.MessageID, r.attempt(backstop.SMS).MessageID)
}

// An activity for a send that does not exist is not retried.
func TestActivities_notFound(t *testing.T) {
	t.Parallel()
	r := newCluster(t).rig()
	r.send.ID = uuid.NewString()
	for name, run := range map[string]func() error{
		"whatsapp": func() error { _, err := r.runOn(backstop.WhatsApp); return err },
		"sms":      func() error { _, err := r.runOn(backstop.SMS); return err },
		"inquire":  func() error { _, err := r.inquire(); return err },
		"give up":  func() error { _, err := r.acts.GiveUp(t.Context(), backstop.SMS, r.fallback(0)); return err },
		"finish":   func() error { _, err := r.acts.Finish(t.Context(), r.send.ID, false); return err },
	} {
		failed, ok := errors.AsType[*temporal.ApplicationError](run())
		require.True(t, ok, name)
		require.True(t, failed.NonRetryable(), name)
		require.Equal(t, string(backstop.NotFound), failed.Type(), name)
	}
	require.Zero(t, r.provider.calls())
}
