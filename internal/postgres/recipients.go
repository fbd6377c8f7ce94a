package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/templates"
)

const (
	// countValid is how long a count is valid. It is longer than the longest pause between two counts. If no process counts any
	// more, a limit no longer counts as reached.
	countValid = 15 * time.Minute

	listLimits = `SELECT s.account, coalesce(s.profile ->> 'messaging_limit', '') AS word, coalesce(r.most, 0) AS counted_for,
    coalesce(r.limit_group, '') AS counted_group, r.account IS NOT NULL AS has_count, coalesce(r.due_at <= $2, true) AS is_due
FROM account_syncs AS s LEFT JOIN account_recipients AS r ON r.account = s.account
WHERE s.account = ANY($1) AND (r.account IS NOT NULL OR s.profile ? 'messaging_limit')`

	// claimCount changes the limit and the group at once, so that a change makes the account due for one process.
	claimCount = `INSERT INTO account_recipients AS r
    (account, limit_group, grouped_at, due_at, token, most, recipients, is_near)
VALUES ($1, $2, '-infinity', $5, $6, $3, 0, false)
ON CONFLICT (account) DO UPDATE SET due_at = $5, token = $6, most = $3, limit_group = $2,
    grouped_at = CASE r.limit_group WHEN $2 THEN r.grouped_at ELSE $4 END
WHERE r.due_at <= $4 OR r.most <> $3 OR r.limit_group <> $2
RETURNING is_near, reached_at IS NOT NULL AS is_reached`

	// countRecipients counts the people to whom a WhatsApp message went out, or may have. Text arrives only in a customer service
	// window, which a message of the recipient opens for 24 hours, and messages in it do not count. grouped_at leaves out what
	// an account sent by its former settings.
	countRecipients = `SELECT count(DISTINCT s.recipient)
FROM attempts AS a
JOIN sends AS s ON s.id = a.send
LEFT JOIN account_recipients AS r ON r.account = a.account
WHERE a.account = ANY($1) AND a.channel = 'whatsapp' AND a.started_at > $2 AND a.started_at > coalesce(r.grouped_at, '-infinity')
    AND a.state IN ('calling', 'accepted', 'unknown') AND a.status <> 'failed' AND s.template IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM inbound AS i
        WHERE i.sender = s.recipient AND i.id >= $3 AND i.account = a.account AND i.channel = 'whatsapp'
            AND i.at BETWEEN a.started_at - interval '24 hours' AND a.started_at
    )`

	saveCount = `UPDATE account_recipients SET due_at = $3, token = '', recipients = $4, counted_at = $5, is_near = $6,
    reached_at = CASE WHEN $7 THEN coalesce(reached_at, $5) END
WHERE account = $1 AND token = $2 RETURNING true`

	endCount = `DELETE FROM account_recipients WHERE account = $1 AND token = $2 RETURNING true`

	deleteCount = `DELETE FROM account_recipients WHERE account = $1`

	listReached = `SELECT account, most, reached_at FROM account_recipients
WHERE reached_at IS NOT NULL AND most > 0 AND counted_at > $1`
)

type limitRow struct {
	Account      string `db:"account"`
	Word         string `db:"word"`
	CountedFor   int    `db:"counted_for"`
	CountedGroup string `db:"counted_group"`
	HasCount     bool   `db:"has_count"`
	IsDue        bool   `db:"is_due"`
}

// ListLimits returns the messaging limits of accounts, as they were read last, and what is stored of their counts.
func (db *DB) ListLimits(ctx context.Context, accounts []string) ([]templates.Limit, error) {
	var rows []limitRow
	err := db.pool.SelectAll(ctx, &rows, listLimits, pq.StringArray(accounts), pool.Stamp(db.Now()))
	if err != nil {
		return nil, pool.Failed(ctx, "list messaging limits", err)
	}
	limits := make([]templates.Limit, len(rows))
	for i, row := range rows {
		limits[i] = templates.Limit{
			Account: row.Account, Most: backstop.NumberProfile{MessagingLimit: row.Word}.RecipientLimit(),
			CountedFor: row.CountedFor, CountedGroup: row.CountedGroup, HasCount: row.HasCount, IsDue: row.IsDue,
		}
	}
	return limits, nil
}

// ClaimCount claims the count of an account until the end of the lease, if it is due, or if its limit or group has changed. It
// returns false if another process has claimed it.
func (db *DB) ClaimCount(ctx context.Context, l templates.Limit, lease time.Duration) (templates.CountClaim, bool, error) {
	now, token := db.Now(), rand.Text()
	var was struct {
		IsNear    bool `db:"is_near"`
		IsReached bool `db:"is_reached"`
	}
	err := db.pool.GetUnprepared(ctx, &was, claimCount,
		l.Account, l.Group, l.Most, pool.Stamp(now), pool.Stamp(now.Add(lease)), token)
	if errors.Is(err, sql.ErrNoRows) {
		return templates.CountClaim{}, false, nil
	}
	claim := templates.CountClaim{
		Account: l.Account, Token: token, Most: l.Most, Before: templates.Mark{IsNear: was.IsNear, IsReached: was.IsReached},
	}
	return claim, err == nil, pool.Failed(ctx, "claim count of recipients", err)
}

// CountRecipients counts the different people to whom accounts sent a WhatsApp message in the last 24 hours outside a customer
// service window. Messages that failed do not count.
func (db *DB) CountRecipients(ctx context.Context, accounts []string) (int, error) {
	from := db.Now().Add(-backstop.RecipientWindow)
	windows := pool.MinID(from.Add(-backstop.RecipientWindow)) // a message is stored after it was written
	var count int
	err := db.pool.GetUnprepared(ctx, &count, countRecipients, pq.StringArray(accounts), pool.Stamp(from), windows)
	return count, pool.Failed(ctx, "count recipients", err)
}

// SaveCount stores a count, and ends the claim. It returns false if the claim was lost. The count of an account that has no limit
// any more is deleted.
func (db *DB) SaveCount(ctx context.Context, claim templates.CountClaim, c templates.Count) (saved bool, err error) {
	if claim.Most == 0 {
		err = db.pool.GetUnprepared(ctx, &saved, endCount, claim.Account, claim.Token)
	} else {
		now := db.Now()
		err = db.pool.GetUnprepared(ctx, &saved, saveCount, claim.Account, claim.Token, pool.Stamp(now.Add(c.Next)), c.Recipients,
			pool.Stamp(now), c.IsNear, c.IsReached)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return saved, pool.Failed(ctx, "store count of recipients", err)
}

// ListReached returns the accounts whose messaging limit is reached, by name.
func (db *DB) ListReached(ctx context.Context) (map[string]health.Limit, error) {
	var rows []struct {
		Account   string    `db:"account"`
		Most      int       `db:"most"`
		ReachedAt time.Time `db:"reached_at"`
	}
	if err := db.pool.SelectAll(ctx, &rows, listReached, pool.Stamp(db.Now().Add(-countValid))); err != nil {
		return nil, pool.Failed(ctx, "list reached limits", err)
	}
	reached := make(map[string]health.Limit, len(rows))
	for _, row := range rows {
		reached[row.Account] = health.Limit{Recipients: row.Most, Since: pool.Stamp(row.ReachedAt)}
	}
	return reached, nil
}
