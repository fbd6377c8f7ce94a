package ledgers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// numbered is the message id of a gateway that counts its messages. Another gateway of the same driver gives it too.
const numbered = "17"

// bySMS returns a send whose SMS has the numbered message id, by the account of a rule.
func bySMS(d desk, c backstop.Call) desk {
	d.t.Helper()
	d.end(d.begin(c), backstop.Ending{Submission: backstop.Submission{MessageID: numbered}})
	return d
}

// report returns a receipt of the numbered message without a reference.
func report(account string, status backstop.Status) backstop.Receipt {
	return backstop.Receipt{
		Provider: "twilio", Account: account, Channel: backstop.SMS, MessageID: numbered, Status: status, At: noon,
	}
}

// Two accounts of one driver give the same message id. Each receipt finds the attempt of its own account.
func TestStore_accounts(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)
	main, bulk := newDesk(t, db), newDesk(t, db)
	mainCall := main.begin(firstSMS)
	require.Empty(t, main.insert(report("main", backstop.Sent), report("bulk", backstop.Sent), report("third", backstop.Sent)))
	require.Len(t, rowsOf(t, sqlDB, numbered), 3, "one receipt of each account")
	bySMS(bulk, lastSMS)
	require.Equal(t, backstop.Sent, bulk.check().Send.Status.SMS, "its orphan")
	require.Equal(t, backstop.Queued, main.check().Send.Status.SMS)
	main.end(mainCall, backstop.Ending{Submission: backstop.Submission{MessageID: numbered}})
	require.Equal(t, backstop.Sent, main.check().Send.Status.SMS)

	main.insert(report("main", backstop.Delivered))
	require.Equal(t, backstop.Delivered, main.check().Send.Status.SMS)
	require.Equal(t, backstop.Sent, bulk.check().Send.Status.SMS)
	bulk.insert(report("bulk", backstop.Delivered), report("third", backstop.Failed))
	require.Equal(t, backstop.Delivered, bulk.check().Send.Status.SMS)
	require.Len(t, main.events(), len(bulk.events()))

	for account, want := range map[string]desk{"main": main, "bulk": bulk} {
		owner, found, err := db.Owner(t.Context(), report(account, ""))
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want.id, owner.Send)
	}
	_, found, err := db.Owner(t.Context(), report("third", ""))
	require.NoError(t, err)
	require.False(t, found)
}

// A receipt is stored once, whichever process repeats it. The same status of the same message id, of another account, is another.
func TestStore_accounts_once(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, other, sqlDB := postgrestest.Open(t, url), postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)
	main, bulk := bySMS(newDesk(t, db), firstSMS), bySMS(newDesk(t, db), lastSMS)
	for range 2 {
		for _, by := range []desk{main, main.by(other)} {
			by.insert(report("main", backstop.Sent), report("main", backstop.Sent), report("bulk", backstop.Sent), report("third", backstop.Sent))
		}
	}
	rows := rowsOf(t, sqlDB, numbered)
	require.Len(t, rows, 3)
	sends := map[string]int{}
	for _, r := range rows {
		sends[r.Send]++
	}
	require.Equal(t, map[string]int{main.id: 1, bulk.id: 1, "": 1}, sends)
	_, err := sqlDB.ExecContext(t.Context(), `UPDATE receipts SET account = 'main' WHERE message_id = $1`,
		postgrestest.Stored(t, seals.MessageID, numbered))
	require.ErrorContains(t, err, "receipts_once")
}

// Before accounts had names, attempts and receipts had none. Such an account has its provider's name now, and its receipts go on to
// find their attempts, in both directions. No account with another name gets them.
func TestStore_accounts_nameless(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)
	exec := func(statement string, args ...any) {
		_, err := sqlDB.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	old := bySMS(newDesk(t, db), firstSMS)
	exec(`UPDATE attempts SET account = '' WHERE send = $1`, old.id)
	old = old.by(postgrestest.Open(t, url)) // a process that has not cached the send
	require.Equal(t, "twilio", old.ledger().Attempt(firstSMS.Step()).Account)
	owner, found, err := old.db.Owner(t.Context(), report("twilio", ""))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, old.id, owner.Send)
	old.insert(report("bulk", backstop.Delivered))
	require.Equal(t, backstop.Submitted, old.check().Send.Status.SMS)
	old.insert(report("twilio", backstop.Sent), report("", backstop.Delivered))
	require.Equal(t, backstop.Delivered, old.check().Send.Status.SMS)
	require.Equal(t, "twilio", old.ledger().Attempt(firstSMS.Step()).Account)

	exec(`DELETE FROM receipts WHERE account = 'bulk'`)
	exec(`UPDATE receipts SET account = '', send = NULL, step = NULL, needs_signal = false`) // orphans of that time
	bulk := bySMS(newDesk(t, db), lastSMS)
	require.Equal(t, backstop.Submitted, bulk.check().Send.Status.SMS, "the orphans are of an account with another name")
	send := newSend(t)
	send.Plan.Rules[0].Routes[0].Account = "twilio"
	named := insertSend(t, db, send)
	c := firstSMS
	c.Candidates = append([]backstop.Candidate{{Account: "twilio", Provider: "twilio"}}, accounts...)
	bySMS(named, c)
	require.Equal(t, backstop.Delivered, named.check().Send.Status.SMS)
	require.Len(t, rowsOf(t, sqlDB, numbered), 2, "the orphans are adopted, not copied")
}

// A receipt's reference says whose it is, so an account that was made anew under another name still gets its receipts.
func TestStore_accounts_byReference(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	d := bySMS(newDesk(t, db), firstSMS)
	r := report("renamed", backstop.Delivered)
	r.Ref = backstop.Ref{Send: d.id, Step: firstSMS.Step()}
	d.insert(r)
	require.Equal(t, backstop.Delivered, d.check().Send.Status.SMS)
}

// An account refuses, and the next one takes the message. A run that is repeated finds the receipts of the second message.
func TestStore_accounts_next(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	d := newDesk(t, db)
	refused := d.begin(lastSMS)
	d.end(refused, backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault}})
	spare := d.by(other).begin(lastSMS)
	require.Equal(t, backstop.SMSStep(1, 1, false), spare.Ref.Step)
	d.by(other).fail(spare, backstop.Unknown)
	lone := backstop.Receipt{
		Provider: "infobip", Account: "spare", Channel: backstop.SMS, MessageID: numbered, Status: backstop.Delivered, At: noon,
	}
	require.Empty(t, d.insert(lone))
	withRef := lone
	withRef.Ref, withRef.Status = spare.Ref, backstop.Sent
	d.insert(withRef)
	ruling, view := d.by(other).ask(lastSMS)
	require.Equal(t, backstop.MadeAlready, ruling.Answer)
	require.Equal(t, backstop.Delivered, view.SMS)
	require.Equal(t, []string{
		"accepted", "rule_fired sms", "attempt sms failed", "routed sms", "attempt sms", "receipt sms sent", "receipt sms delivered",
		"finished",
	}, d.kinds())
	for _, e := range d.events() {
		if e.Kind == backstop.EventRouted {
			require.Equal(t, "spare", e.Account)
			require.Equal(t, string(backstop.RouteRefused), e.Detail)
		}
	}
}
