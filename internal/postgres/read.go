package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// draftColumns are a send's, with its revision and its attempts: one row in one round trip, and from one snapshot.
const draftColumns = sendColumns + `, revision,
    (SELECT json_agg(a ORDER BY step, number) FROM attempts AS a WHERE send = s.id) AS attempts`

type draftRow struct {
	sendRow

	Revision int           `db:"revision"`
	Attempts []byte        `db:"attempts"`
	Known    pq.Int64Array `db:"known"`
}

func (r draftRow) draft() (*draft, error) {
	send, err := r.send()
	if err != nil {
		return nil, err
	}
	attempts, err := readAttempts(r.Attempts)
	if err != nil {
		return nil, err
	}
	return &draft{revision: r.Revision, stored: send, send: send, attempts: attempts}, nil
}

func readAttempts(b []byte) ([]backstop.Attempt, error) {
	if b == nil {
		return nil, nil
	}
	var rows []attemptRow
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	attempts := make([]backstop.Attempt, len(rows))
	for i, row := range rows {
		attempts[i] = row.attempt()
	}
	return attempts, nil
}

// firstRevision is a send's when nothing has happened since it was accepted: no receipt is stored with it.
const firstRevision = 1

const readSend = `SELECT ` + draftColumns + ` FROM sends AS s WHERE id = $1`

// read returns a send to be changed, or an Error of code NotFound.
func (db *DB) read(ctx context.Context, id string) (*draft, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return nil, pool.NotFound("send")
	}
	var row draftRow
	if err := db.pool.Get(ctx, &row, readSend, id); err != nil {
		return nil, pool.OrNotFound(err, "send")
	}
	d, err := row.draft()
	if err != nil {
		return nil, err
	}
	d.isWhole = d.revision == firstRevision
	return d, nil
}

const sendRevision = `SELECT revision FROM sends WHERE id = $1`

// Revision returns the number of a send's newest change: another one says that the send, its attempts or its events have
// changed. An unknown send is an Error of code NotFound.
func (db *DB) Revision(ctx context.Context, id string) (int, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return 0, pool.NotFound("send")
	}
	var revision int
	err := db.pool.Get(ctx, &revision, sendRevision, id)
	return revision, pool.Failed(ctx, "read revision", pool.OrNotFound(err, "send"))
}

// report names what a receipt reports; each is stored once.
type report struct {
	Provider  string          `json:"provider"`
	MessageID string          `json:"message_id"`
	Status    backstop.Status `json:"status"`
}

func reportOf(r backstop.Receipt) report {
	return report{Provider: r.Provider, MessageID: r.MessageID, Status: r.Status}
}

type reportRow struct {
	report

	N int `json:"n"`
}

// readForReceipts also tells which of the receipts are stored with a send, by their places in the list. The ids stand in
// a subquery for the reason that save.go gives.
const readForReceipts = `SELECT ` + draftColumns + `,
    ARRAY(
        SELECT n FROM json_to_recordset($2) AS u (n int, provider text, message_id text, status text), LATERAL (
            SELECT send FROM receipts AS r
            WHERE r.provider = u.provider AND r.message_id = u.message_id AND r.status = u.status LIMIT 1
        ) AS r
        WHERE send IS NOT NULL
    ) AS known
FROM sends AS s WHERE id = ANY((SELECT $1::uuid[])::uuid[])`

// readForReceipts returns those of the sends that exist, by id.
func (db *DB) readForReceipts(
	ctx context.Context, ids []string, receipts []backstop.Receipt,
) (map[string]*draft, error) {
	reports := make([]reportRow, len(receipts))
	for i, r := range receipts {
		reports[i] = reportRow{N: i, report: reportOf(r)}
	}
	written, err := pool.JSONRows(reports)
	if err != nil {
		return nil, err
	}
	var rows []draftRow
	if err := db.pool.SelectAll(ctx, &rows, readForReceipts, pq.StringArray(ids), written); err != nil {
		return nil, fmt.Errorf("read sends: %w", err)
	}
	drafts := map[string]*draft{}
	for _, row := range rows {
		d, err := row.draft()
		if err != nil {
			return nil, err
		}
		d.known = map[report]bool{}
		for _, n := range row.Known {
			d.known[reportOf(receipts[n])] = true
		}
		drafts[row.ID] = d
	}
	return drafts, nil
}
