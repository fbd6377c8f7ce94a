package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// createSession also deletes the sessions that have ended, so no other process has to.
const createSession = `WITH ended AS (DELETE FROM console_sessions WHERE expires_at <= $2)
INSERT INTO console_sessions (id, created_at, expires_at, key) VALUES ($1, $2, $3, $4)`

// CreateSession stores a session of the console, and deletes the sessions that have ended. It ends with its API key; "":
// BACKSTOP_API_KEY.
func (db *DB) CreateSession(ctx context.Context, id []byte, key string, created, expires time.Time) error {
	err := db.pool.ExecUnprepared(ctx, createSession, id, created, expires, orNull(key))
	return pool.Failed(ctx, "insert session", err)
}

const getSession = `SELECT expires_at, coalesce(key::text, '') AS key FROM console_sessions WHERE id = $1 AND expires_at > $2`

// Session returns when a session ends, and the id of its API key. An unknown session, or a session that has ended, is an Error of
// code NotFound.
func (db *DB) Session(ctx context.Context, id []byte, now time.Time) (expires time.Time, key string, err error) {
	var row struct {
		Expires time.Time `db:"expires_at"`
		Key     string    `db:"key"`
	}
	if err := db.pool.Get(ctx, &row, getSession, id, now); err != nil {
		return time.Time{}, "", pool.Failed(ctx, "get session", pool.OrNotFound(err, "session"))
	}
	return row.Expires.UTC(), row.Key, nil
}

const deleteSession = `DELETE FROM console_sessions WHERE id = $1`

// DeleteSession deletes a session, if there is one.
func (db *DB) DeleteSession(ctx context.Context, id []byte) error {
	err := db.pool.ExecUnprepared(ctx, deleteSession, id)
	return pool.Failed(ctx, "delete session", err)
}
