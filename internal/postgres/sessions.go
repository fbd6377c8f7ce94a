package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// createSession also deletes the sessions that have ended, so no other process has to. Repeated, it changes nothing.
const createSession = `WITH ended AS (DELETE FROM console_sessions WHERE expires_at <= $2 OR seen_at <= $11)
INSERT INTO console_sessions (id, created_at, expires_at, key, session, person, person_name, role, seen_at, address, agent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $2, $9, $10) ON CONFLICT (id) DO NOTHING`

// CreateSession stores a session of the console and its entry in the audit, and deletes the sessions that have ended: those too
// that were not seen since a time. Digest identifies the session by its token. The session ends with its API key. The result has
// its id.
func (db *DB) CreateSession(
	ctx context.Context, digest []byte, s backstop.Session, seenSince time.Time,
) (backstop.Session, error) {
	var err error
	if s.ID, err = pool.NewIDAt(s.CreatedAt); err != nil {
		return s, err
	}
	entry, err := sessionEntry(backstop.AuditSignIn, s)
	if err != nil {
		return s, err
	}
	if entry.ID, err = pool.NewIDAt(db.Now()); err != nil {
		return s, err
	}
	return s, pool.UntilKnown(ctx, "insert session", func(bool) error {
		return db.pool.InTx(ctx, "insert session", func(tx *sqlx.Tx) error {
			err := pool.Execute(ctx, tx, createSession, digest, s.CreatedAt, s.ExpiresAt, orNull(s.Key), s.ID,
				orNull(s.Person.ID), pool.Clean(s.Person.Name), s.Person.Role, s.Address, pool.Clean(s.Agent), seenSince)
			if err != nil {
				return err
			}
			return db.writeEntry(ctx, tx, entry)
		})
	})
}

// sessionEntry returns the entry of the audit about a session. Its name is that of the person or of the key.
func sessionEntry(action backstop.AuditAction, s backstop.Session) (backstop.AuditEntry, error) {
	e := backstop.AuditEntry{Action: action, Kind: backstop.AuditSession, Target: s.ID, Name: s.KeyName}
	if !s.IsOfPerson() {
		return e, nil
	}
	after, err := json.Marshal(map[string]string{"person": s.Person.ID, "role": string(s.Person.Role)})
	if err != nil {
		return e, fmt.Errorf("write session: %w", err)
	}
	e.Name, e.After = s.Person.Name, after
	return e, nil
}

type sessionRow struct {
	ID         string    `db:"session"`
	Key        string    `db:"key"`
	KeyName    string    `db:"key_name"`
	Person     string    `db:"person"`
	PersonName string    `db:"person_name"`
	Role       string    `db:"role"`
	Address    string    `db:"address"`
	Agent      string    `db:"agent"`
	CreatedAt  time.Time `db:"created_at"`
	SeenAt     time.Time `db:"seen_at"`
	ExpiresAt  time.Time `db:"expires_at"`
}

func (r sessionRow) value() backstop.Session {
	return backstop.Session{
		ID: r.ID, Key: r.Key, KeyName: r.KeyName, Address: r.Address, Agent: r.Agent,
		Person:    backstop.Person{ID: r.Person, Name: r.PersonName, Role: backstop.Role(r.Role)},
		CreatedAt: pool.Stamp(r.CreatedAt), SeenAt: pool.Stamp(r.SeenAt), ExpiresAt: pool.Stamp(r.ExpiresAt),
	}
}

const (
	sessionColumns = `s.session, coalesce(s.key::text, '') AS key, coalesce(k.name, '') AS key_name,
    coalesce(s.person, '') AS person, s.person_name, s.role, s.address, s.agent, s.created_at, s.seen_at, s.expires_at`

	sessionTables = `console_sessions AS s LEFT JOIN api_keys AS k ON k.id = s.key`

	// getSession also stores that the session is seen, once a minute.
	getSession = `WITH seen AS (
    UPDATE console_sessions SET seen_at = $2
    WHERE id = $1 AND expires_at > $2 AND seen_at > $3 AND seen_at <= $2::timestamptz - make_interval(secs => $4)
)
SELECT ` + sessionColumns + ` FROM ` + sessionTables + ` WHERE s.id = $1 AND s.expires_at > $2 AND s.seen_at > $3`

	deleteSession  = `DELETE FROM console_sessions WHERE id = $1 RETURNING session`
	findSession    = `SELECT ` + sessionColumns + ` FROM ` + sessionTables + ` WHERE s.id = $1`
	findByPublicID = `SELECT ` + sessionColumns + ` FROM ` + sessionTables + ` WHERE s.session = $1`
	deleteByID     = `DELETE FROM console_sessions WHERE session = $1 RETURNING session`
)

// Session returns the session of a digest. An unknown session, one that has ended, or one that was not seen since a time, is an
// Error of code NotFound.
func (db *DB) Session(ctx context.Context, digest []byte, now, seenSince time.Time) (backstop.Session, error) {
	var row sessionRow
	if err := db.pool.Get(ctx, &row, getSession, digest, now, seenSince, backstop.SessionSeenEvery.Seconds()); err != nil {
		return backstop.Session{}, pool.Failed(ctx, "get session", pool.OrNotFound(err, "session"))
	}
	return row.value(), nil
}

// DeleteSession ends a session, if there is one, with its entry in the audit.
func (db *DB) DeleteSession(ctx context.Context, digest []byte) error {
	err := db.endSession(ctx, findSession, deleteSession, digest, nil)
	if backstop.CodeOf(err) == backstop.NotFound {
		return nil
	}
	return err
}

// EndSession ends the session of an id, with its entry in the audit; with an owner, only if it is one of them. Otherwise it
// returns an Error of code NotFound.
func (db *DB) EndSession(ctx context.Context, id string, owner *backstop.SessionOwner) error {
	id, ok := pool.ParseID(id)
	if !ok {
		return pool.NotFound("session")
	}
	return db.endSession(ctx, findByPublicID, deleteByID, id, owner)
}

// endSession finds and deletes a session by a key. A session that another request has ended meanwhile has its entry from there.
func (db *DB) endSession(ctx context.Context, find, remove string, key any, owner *backstop.SessionOwner) error {
	id, err := pool.NewIDAt(db.Now())
	if err != nil {
		return err
	}
	return pool.UntilKnown(ctx, "end session", func(isRepeated bool) error {
		err := db.pool.InTx(ctx, "end session", func(tx *sqlx.Tx) error {
			var row sessionRow
			if err := tx.GetContext(ctx, &row, find, key); err != nil {
				return fmt.Errorf("find: %w", err)
			}
			if owner != nil && row.value().Owner() != *owner {
				return sql.ErrNoRows
			}
			if err := tx.GetContext(ctx, new(string), remove, key); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
			entry, err := sessionEntry(backstop.AuditEnd, row.value())
			if err != nil {
				return err
			}
			entry.ID = id
			return db.writeEntry(ctx, tx, entry)
		})
		if errors.Is(err, sql.ErrNoRows) && isRepeated {
			return nil
		}
		return pool.OrNotFound(err, "session")
	})
}

// ListSessions returns the sessions that have not ended, the newest first, and whether more follow; with an owner, of this one
// alone.
func (db *DB) ListSessions(
	ctx context.Context, owner *backstop.SessionOwner, now, seenSince time.Time, page backstop.Page,
) (list []backstop.Session, more bool, err error) {
	after, err := idAfter(page)
	if err != nil {
		return nil, false, err
	}
	var w where
	w.and(`s.expires_at > ?`, now)
	w.and(`s.seen_at > ?`, seenSince)
	if after != "" {
		w.and(`s.session < ?`, after)
	}
	if owner != nil {
		w.and(`coalesce(s.person, '') = ?`, pool.Clean(owner.Person))
		w.and(`coalesce(s.key::text, '') = ?`, owner.Key)
	}
	query := `SELECT ` + sessionColumns + ` FROM ` + sessionTables + ` WHERE ` + w.String() + `
ORDER BY s.session DESC LIMIT ` + w.param(page.Limit+1)
	var rows []sessionRow
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list sessions", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list = make([]backstop.Session, len(rows))
	for i, row := range rows {
		list[i] = row.value()
	}
	return list, more, nil
}
