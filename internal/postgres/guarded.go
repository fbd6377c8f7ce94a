package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// countrySlots is the number of rows among which the cap of a country is divided (ADR 0034). Concurrent sends to a country lock
// different rows. A number, or numbers that begin alike, get few sends at a time: one row.
const countrySlots = 16

// keyUsed is the SQLSTATE of guard_undo.
const keyUsed pqerror.Code = "BS002"

// insertGuarded is insertSend behind the guards, and insertGuardedLater is insertScheduled behind them. They store nothing if a
// guard refuses the send, and return why. If the recipient has opted out, the guards count nothing, and there is no row.
var (
	insertGuarded      = insertion{`WITH ` + behindGuards(atOnce), returnRefusal}
	insertGuardedLater = insertion{`WITH ` + behindGuards(later), returnRefusal}
)

// behindGuards returns the table g of the guards' answer, and the table s of withSend.
func behindGuards(t turn) string {
	return `g AS MATERIALIZED (
    SELECT guard_refusal(` + insertColumns.ParamOf("id") + `::uuid, ` + insertColumns.ParamOf("accepted_at") + `::timestamptz,
        ` + guardParam(1) + `, ` + guardParam(2) + `, ` + guardParam(3) + `, ` + guardParam(4) + `, ` + guardParam(5) + `, ` +
		guardParam(6) + `) AS refusal
    WHERE NOT EXISTS (` + findStop() + `)
), ` + withSend(t, `FROM g WHERE refusal IS NULL`)
}

const returnRefusal = `, e AS (` + firstEvent + `
)
SELECT coalesce(refusal::text, '') AS refusal FROM g WHERE refusal IS NOT NULL OR guard_undo((SELECT count(*) FROM s))`

// guardParam returns a parameter after those of the send and of findStop.
func guardParam(n int) string { return pool.Param(len(insertColumns) + 2 + n) }

// refusal is the answer of guard_refusal.
type refusal struct {
	Send string `json:"send"` // the earlier send with the same content
	Cap  int    `json:"cap"`  // the cap that is reached, from 1
	Free int64  `json:"free"` // the minute, since 1970, in which it may have a place
}

// InsertGuarded is InsertSend with checks, which count the send if it is stored, and only then. A cap that is reached is an Error
// of code Limited, and the content of an earlier send one of code Duplicate. The cause is a backstop.GuardError.
func (db *DB) InsertGuarded(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency, checks backstop.GuardChecks,
) (stored backstop.Send, created bool, err error) {
	insert, send, err := db.insertRowOf(send, key)
	if err != nil {
		return backstop.Send{}, false, err
	}
	how := insertGuarded
	if send.IsScheduled() {
		how = insertGuardedLater
	}
	queued, err := firstCallback(send)
	if err != nil {
		return backstop.Send{}, false, err
	}
	if checks.Digest, err = db.seals.Digest(checks.Digest); err != nil {
		return backstop.Send{}, false, err
	}
	statement, values := how.statement(append(insert.values(), db.guardValues(checks)...), queued)
	err = pool.UntilKnown(ctx, "insert guarded send", func(isRepeated bool) error {
		var answer string
		err := db.pool.Get(ctx, &answer, statement, values...)
		if err == nil && answer != "" {
			var found bool
			if stored, found, err = db.findRefused(ctx, send, key, isRepeated); err != nil || found {
				created = stored.ID == send.ID
				return err
			}
			return db.readRefusal(ctx, answer, send, checks)
		}
		if errors.Is(err, sql.ErrNoRows) || pq.As(err, keyUsed) != nil {
			err = errNoRow
		}
		stored, created, err = db.inserted(ctx, insert, send, key, isRepeated, err)
		return err
	})
	if err != nil {
		return backstop.Send{}, false, err
	}
	if created {
		db.observer.SendAccepted(stored)
	}
	if created && !stored.IsSkipped() {
		db.wakeCallbacks(stored.ID, queued)
	}
	return stored, created, nil
}

// findRefused returns the send that was stored although the guards refuse it now, because it has taken the last place itself: the
// answer to the first statement was lost, or another request with the same key was faster.
func (db *DB) findRefused(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency, isRepeated bool,
) (stored backstop.Send, found bool, err error) {
	if isRepeated {
		if stored, found, err = db.findStored(ctx, send.ID); err != nil || found {
			return stored, found, err
		}
	}
	if key == nil {
		return backstop.Send{}, false, nil
	}
	return db.SendByKey(ctx, *key)
}

// guardValues returns the last values of insertGuarded.
func (db *DB) guardValues(checks backstop.GuardChecks) []any {
	n := len(checks.Caps)
	guards, keys := make(pq.StringArray, n), make(pq.StringArray, n)
	caps, slots := make(pq.Int64Array, n), make(pq.Int64Array, n)
	for i, check := range checks.Caps {
		guards[i], keys[i], caps[i], slots[i] = string(check.Guard), check.Key, int64(check.Cap), 1
		if check.Guard == backstop.GuardCountryCap {
			slots[i] = countrySlots
			continue
		}
		keys[i] = db.seals.Hide(seals.Number, check.Key)
	}
	var digest any // NULL
	if len(checks.Digest) > 0 {
		digest = checks.Digest
	}
	return []any{digest, int(checks.TextWindow / time.Second), guards, keys, caps, slots}
}

// readRefusal returns the Error of a refusal. If the earlier send was deleted since, it returns ErrMoved: the next try finds no
// earlier send.
func (db *DB) readRefusal(
	ctx context.Context, answer string, send backstop.Send, checks backstop.GuardChecks,
) error {
	var r refusal
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		return fmt.Errorf("read refusal: %w", err)
	}
	if r.Cap == 0 {
		first, err := db.Send(ctx, r.Send)
		if backstop.CodeOf(err) == backstop.NotFound {
			return pool.ErrMoved
		}
		if err != nil {
			return err
		}
		return backstop.RefuseSameText(first, checks.TextWindow)
	}
	if r.Cap > len(checks.Caps) {
		return fmt.Errorf("read refusal: cap %d of %d", r.Cap, len(checks.Caps))
	}
	after := max(time.Unix(r.Free*int64(time.Minute/time.Second), 0).Sub(send.AcceptedAt), time.Second)
	return backstop.RefuseCap(checks.Caps[r.Cap-1], after)
}
