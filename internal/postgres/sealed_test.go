package postgres_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// secretText is in the texts of these tests, and nowhere else.
const secretText = "Zqx Ülkü 4711"

// sealedRig has stores with different keys and settings on one database.
type sealedRig struct {
	t       *testing.T
	address string
	raw     *sql.DB
}

func newSealedRig(t *testing.T) sealedRig {
	t.Helper()
	r := sealedRig{t: t, address: postgrestest.URL(t)}
	_, err := r.open(false, "k1").Migrate(t.Context())
	require.NoError(t, err)
	r.raw = postgrestest.Raw(t, r.address)
	return r
}

// open returns the store of a process with keys. Without any, its keyring is empty.
func (r sealedRig) open(seals bool, keys ...string) *postgres.DB {
	r.t.Helper()
	return postgrestest.OpenWith(r.t, r.address, postgres.Options{Keyring: postgrestest.Keyring(r.t, keys...), SealTexts: seals})
}

// plain returns the tables with a plain text in any column, also as a digest of the request.
func (r sealedRig) plain() []string {
	r.t.Helper()
	hashes := []string{hex.EncodeToString(requestHash()), hex.EncodeToString(contentHash())}
	return postgrestest.TablesWith(r.t, r.raw, append(postgrestest.Encodings(secretText), hashes...))
}

func requestHash() []byte {
	hash := sha256.Sum256([]byte("request " + secretText))
	return hash[:]
}

func contentHash() []byte {
	hash := sha256.Sum256([]byte("content " + secretText))
	return hash[:]
}

var secretKey = handoff.Idempotency{Key: "key", Hash: requestHash()}

// secretSend is a send that has the text everywhere.
func secretSend(t *testing.T) backstop.Send {
	t.Helper()
	send := newSend(t)
	send.Text, send.SMSText, send.Metadata = secretText, "SMS "+secretText, map[string]string{"name": secretText}
	return send
}

func secretTemplate(t *testing.T) backstop.Send {
	t.Helper()
	send := secretSend(t)
	send.Text = ""
	send.Template = &backstop.Template{
		Name: "code", Language: "en_US", Components: []byte(`[{"b":1.0,  "a":"<` + secretText + `>"}]`),
	}
	return send
}

func (r sealedRig) insert(db *postgres.DB, send backstop.Send, key *handoff.Idempotency) backstop.Send {
	r.t.Helper()
	stored, created, err := db.InsertGuarded(r.t.Context(), send, key, backstop.GuardChecks{
		Digest: contentHash(), TextWindow: time.Microsecond,
	})
	require.NoError(r.t, err)
	require.True(r.t, created)
	return stored
}

// fill stores texts wherever the program stores any, and returns the sends.
func (r sealedRig) fill(db *postgres.DB) (sends []backstop.Send) {
	r.t.Helper()
	sends = append(sends, r.insert(db, secretSend(r.t), &secretKey), r.insert(db, secretTemplate(r.t), nil))
	_, err := db.PutOptOut(r.t.Context(), backstop.OptOut{To: "+447400000009", Category: "all",
		OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI}})
	require.NoError(r.t, err)
	skipped := secretSend(r.t)
	skipped.To, skipped.Plan.Override = "+447400000009", &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	sends = append(sends, r.insert(db, skipped, nil))
	reply := receipt("", 1, "")
	reply.MessageID, reply.Inbound = "in-1", &backstop.Inbound{From: to, To: "1", Text: "Hi " + secretText}
	insertInbound(r.t, db, []backstop.Receipt{reply})

	first := begin(r.t, db, sends[0].ID, whatsApp)
	require.Equal(r.t, sends[0].Text, getSend(r.t, db, sends[0].ID).Text)
	accept(r.t, db, first)
	refused := receipt(sends[0].ID, 1, backstop.Failed)
	refused.Failure = &backstop.Failure{Kind: backstop.Rejected, Code: "1"}
	insert(r.t, db, refused)
	accept(r.t, db, begin(r.t, db, sends[0].ID, firstSMS))
	insert(r.t, db, receipt(sends[0].ID, firstSMS.Step(), backstop.Delivered))
	finish(r.t, db, sends[0].ID)
	return sends
}

// requireContent checks that a process reads the content of sends as it was.
func (r sealedRig) requireContent(db *postgres.DB, sends []backstop.Send) {
	r.t.Helper()
	list, _, err := db.ListSends(r.t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 100})
	require.NoError(r.t, err)
	require.Len(r.t, list, len(sends))
	byID := map[string]backstop.Send{}
	for _, send := range list {
		byID[send.ID] = send
	}
	for _, want := range sends {
		got := byID[want.ID]
		require.Empty(r.t, got.Unreadable)
		require.Equal(r.t, want.Text, got.Text)
		require.Equal(r.t, want.SMSText, got.SMSText)
		require.Equal(r.t, want.Template, got.Template)
		require.Equal(r.t, want.Metadata, got.Metadata)
	}
	again, created, err := db.InsertSend(r.t.Context(), secretSend(r.t), &secretKey)
	require.NoError(r.t, err)
	require.False(r.t, created, "a repeated request is recognised")
	require.Equal(r.t, sends[0].ID, again.ID)
	_, _, err = db.InsertSend(r.t.Context(), secretSend(r.t), &handoff.Idempotency{Key: secretKey.Key, Hash: contentHash()})
	requireCode(r.t, backstop.Mismatch, err)
}

// reseal does what backstop keys rotate does.
func (r sealedRig) reseal(db *postgres.DB, limit int) (changed int, faults map[string]string) {
	r.t.Helper()
	faults = map[string]string{}
	for _, table := range postgres.SealedTables() {
		for last := ""; ; {
			done, err := db.Reseal(r.t.Context(), table, last, limit)
			require.NoError(r.t, err)
			require.Zero(r.t, done.Busy)
			changed += done.Changed
			maps.Copy(faults, done.Faults)
			if last = done.Last; last == "" {
				break
			}
		}
	}
	return changed, faults
}

func (r sealedRig) uses(db *postgres.DB) map[string]int64 {
	r.t.Helper()
	uses, err := db.SealsInUse(r.t.Context())
	require.NoError(r.t, err)
	return uses
}

// TestSealed: no column of any table has a text of a message, or a digest by which one could be tried; and all processes read all.
func TestSealed(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	on, off := r.open(true, "k1"), r.open(false, "k1")
	sends := r.fill(on)
	require.Empty(t, r.plain())
	for _, db := range []*postgres.DB{on, off, r.open(true, "k2", "k1")} {
		r.requireContent(db, sends)
	}
	require.Equal(t, map[string]int64{"k1": 5}, r.uses(off), "3 sends, a hash and a reply")
	require.Empty(t, r.plain())
}

// Without the setting the texts are there: the test above has looked where they are.
func TestSealed_off(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	sends := r.fill(r.open(false))
	require.Equal(t, []string{"guard_texts", "inbound", "sends"}, r.plain())
	r.requireContent(r.open(true, "k1"), sends)
	require.Equal(t, map[string]int64{"": 4}, r.uses(r.open(false)))
}

// TestSealed_rotation: old rows are sealed, then sealed under a new key, in batches, and again without an effect. Meanwhile and
// afterwards all processes read them.
func TestSealed_rotation(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 100} {
		r := newSealedRig(t)
		sends := r.fill(r.open(false))
		on, both, present := r.open(true, "k1"), r.open(true, "k2", "k1"), r.open(false, "k2")
		changed, faults := r.reseal(r.open(false, "k1"), limit)
		require.Zero(t, changed, "the setting is off")
		require.Empty(t, faults)

		changed, faults = r.reseal(on, limit)
		require.Equal(t, 4, changed)
		require.Empty(t, faults)
		r.requireContent(on, sends)
		require.Equal(t, []string{"guard_texts"}, r.plain(), "its rows live for their window")
		require.Equal(t, map[string]int64{"k1": 5}, r.uses(on))

		_, faults = r.reseal(present, limit)
		require.Len(t, faults, 4)
		require.Contains(t, faults[sends[0].ID], `key "k1" is missing`)
		done, err := both.Reseal(t.Context(), postgres.SealedSends, "", 1)
		require.NoError(t, err)
		require.Equal(t, 1, done.Changed, "it stops in between")
		require.Equal(t, map[string]int64{"k1": 3, "k2": 2}, r.uses(on))
		r.requireContent(both, sends)
		changed, faults = r.reseal(both, limit)
		require.Equal(t, 3, changed)
		require.Empty(t, faults)
		changed, _ = r.reseal(both, limit)
		require.Zero(t, changed)
		require.Equal(t, map[string]int64{"k2": 5}, r.uses(on))
		r.requireContent(present, sends) // the former key is not needed any more
	}
}

// TestSealed_rotationBusy: a row that another process has locked, or whose content is removed meanwhile, keeps no batch waiting.
func TestSealed_rotationBusy(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	off, on := r.open(false), r.open(true, "k1")
	sends := r.fill(off)
	tx, err := r.raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE sends SET text = '•', sms_text = '•', metadata = NULL, content_removed_at = now()
WHERE id = $1`, sends[0].ID)
	require.NoError(t, err)
	done, err := on.Reseal(t.Context(), postgres.SealedSends, "", 100)
	require.NoError(t, err)
	require.Equal(t, 2, done.Changed)
	require.Equal(t, 1, done.Busy)
	require.NoError(t, tx.Commit())
	done, err = on.Reseal(t.Context(), postgres.SealedSends, "", 100)
	require.NoError(t, err)
	require.Equal(t, 1, done.Changed, "the hash of the request")
	require.Zero(t, done.Busy)
	require.Equal(t, "•", getSend(t, on, sends[0].ID).SMSText)
}

// TestSealed_lostKey: the sends of a lost key are in the lists, and say what is missing. Their receipts count, and no message of
// theirs goes out.
func TestSealed_lostKey(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	on, lost := r.open(true, "k1"), r.open(true, "k2")
	sends := r.fill(on)
	waiting := r.insert(on, secretSend(t), nil)
	list, _, err := lost.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 100})
	require.NoError(t, err)
	require.Len(t, list, 4)
	for _, send := range list {
		require.Equal(t, `key "k1" is missing in BACKSTOP_KEYRING`, send.Unreadable)
		require.Empty(t, send.Text+send.SMSText)
		require.Nil(t, send.Metadata)
	}
	require.Equal(t, "code", getSend(t, lost, sends[1].ID).Template.Name)

	_, _, err = lost.Begin(t.Context(), waiting.ID, whatsApp)
	require.ErrorContains(t, err, `key "k1" is missing`)
	attempts, _, err := lost.Timeline(t.Context(), waiting.ID)
	require.NoError(t, err)
	require.Empty(t, attempts)
	attempt := begin(t, on, waiting.ID, whatsApp)
	accept(t, on, attempt)
	insert(t, lost, receipt(waiting.ID, 1, backstop.Delivered))
	require.Equal(t, backstop.Delivered, getSend(t, lost, waiting.ID).Status.WhatsApp)
	require.Equal(t, waiting.Text, getSend(t, on, waiting.ID).Text, "the change left the content as it is")

	_, _, err = lost.InsertSend(t.Context(), secretSend(t), &secretKey)
	require.ErrorContains(t, coded(t, backstop.TryLater, err), `key "k1" is missing`)
}

// TestSealed_damaged: a value does not open in another row, and a damaged row breaks no list.
func TestSealed_damaged(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	on := r.open(true, "k1")
	sends := r.fill(on)
	_, err := r.raw.ExecContext(t.Context(),
		`UPDATE sends SET sealed_content = (SELECT sealed_content FROM sends WHERE id = $2) WHERE id = $1`, sends[0].ID, sends[1].ID)
	require.NoError(t, err)
	_, err = r.raw.ExecContext(t.Context(), `UPDATE sends SET sealed_content = '\x01' WHERE id = $1`, sends[2].ID)
	require.NoError(t, err)
	other := r.open(true, "k1") // without a cache
	list, _, err := other.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 100})
	require.NoError(t, err)
	for _, send := range list {
		if send.ID == sends[1].ID {
			require.Empty(t, send.Unreadable)
			continue
		}
		require.Equal(t, keyring.ErrDamaged.Error(), send.Unreadable)
	}
	_, faults := r.reseal(r.open(true, "k2", "k1"), 100)
	require.Len(t, faults, 2)
}

// TestSealed_removed: nothing of a sealed content is left when it is removed by its age or with its person.
func TestSealed_removed(t *testing.T) {
	t.Parallel()
	count := func(r sealedRig) (n int) {
		r.t.Helper()
		require.NoError(r.t, r.raw.QueryRowContext(r.t.Context(), `SELECT (SELECT count(*) FROM sends WHERE sealed_content IS NOT NULL)
    + (SELECT count(*) FROM inbound WHERE sealed_text IS NOT NULL)`).Scan(&n))
		return n
	}
	t.Run("by age", func(t *testing.T) {
		t.Parallel()
		r := newSealedRig(t)
		on := r.open(true, "k1")
		r.fill(on)
		finishAll(t, on)
		_, err := r.raw.ExecContext(t.Context(), `UPDATE receipts SET needs_signal = false`)
		require.NoError(t, err)
		removal := backstop.Removal{What: backstop.RemoveContent, Categories: []backstop.Category{""}, Age: -time.Minute}
		_, err = on.RemoveOld(t.Context(), removal, 100)
		require.NoError(t, err)
		_, err = on.RemoveOldInbound(t.Context(), backstop.RemoveContent, -time.Minute, 100)
		require.NoError(t, err)
		require.Zero(t, count(r))
		again, created, err := on.InsertSend(t.Context(), secretSend(t), &secretKey)
		require.NoError(t, err)
		require.False(t, created, "a repeated request is recognised")
		require.Equal(t, "•", again.SMSText)
		require.NotNil(t, again.ContentRemovedAt)
	})
	t.Run("with the person", func(t *testing.T) {
		t.Parallel()
		r := newSealedRig(t)
		on := r.open(true, "k1")
		r.fill(on)
		for _, number := range []string{to, "+447400000009"} {
			e, err := on.CreateErasure(t.Context(), number, false)
			require.NoError(t, err)
			eraseAll(t, on, e)
		}
		require.Zero(t, count(r))
		_, _, err := on.SendByKey(t.Context(), secretKey)
		require.Contains(t, coded(t, backstop.Mismatch, err).Message, "erased")
	})
}

// finishAll cancels the sends that are open.
func finishAll(t *testing.T, db *postgres.DB) {
	t.Helper()
	list, _, err := db.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 100})
	require.NoError(t, err)
	for _, send := range list {
		if send.FinishedAt == nil {
			_, err := db.Cancel(t.Context(), send.ID)
			require.NoError(t, err)
		}
	}
}

// TestSealed_formerVersion: a version that does not know of seals cannot read the row of a sealed send, so it does not send the marks.
func TestSealed_formerVersion(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	sends := r.fill(r.open(true, "k1"))
	for _, send := range sends {
		var metadata []byte
		require.NoError(t, r.raw.QueryRowContext(t.Context(), `SELECT metadata FROM sends WHERE id = $1`, send.ID).Scan(&metadata))
		require.Error(t, json.Unmarshal(metadata, &map[string]string{}), "as the former version reads it")
	}
}

// TestSealed_noKey: whoever wants texts sealed, and has no key, gets no store.
func TestSealed_noKey(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{SealTexts: true})
	require.ErrorIs(t, err, keyring.ErrEmpty)
	_, err = newSealedRig(t).open(false).Reseal(t.Context(), postgres.SealedSends, "", 1)
	require.ErrorIs(t, err, keyring.ErrEmpty)
}

// TestSealed_export: the export of a person has the texts, and nothing that is sealed unless its key is lost.
func TestSealed_export(t *testing.T) {
	t.Parallel()
	r := newSealedRig(t)
	sends := r.fill(r.open(true, "k1"))
	export := func(db *postgres.DB) (rows map[string][]string) {
		rows = map[string][]string{}
		for part, err := range db.ExportPerson(t.Context(), to) {
			require.NoError(t, err)
			for _, row := range part.Rows {
				rows[part.Table] = append(rows[part.Table], string(row))
			}
		}
		return rows
	}
	rows := export(r.open(false, "k1"))
	require.Len(t, rows["sends"], 2)
	require.Contains(t, rows["sends"][0], `"text":"`+secretText+`"`)
	require.Contains(t, rows["sends"][0], `"metadata":{"name":"`+secretText+`"}`)
	require.Contains(t, rows["sends"][1], `"template":{"name":"code","language":"en_US","components":[`)
	require.Contains(t, rows["inbound"][0], `"text":"Hi `+secretText+`"`)
	for _, table := range []string{"sends", "inbound"} {
		require.NotContains(t, rows[table][0], "sealed_")
	}
	rows = export(r.open(false, "k2"))
	require.Contains(t, rows["sends"][0], `"content_unreadable":"key \"k1\" is missing in BACKSTOP_KEYRING"`)
	require.Contains(t, rows["sends"][0], sends[0].ID)
}
