package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// createSession also deletes the sessions that have ended, so no other process has to.
const createSession = `WITH ended AS (DELETE FROM console_sessions WHERE expires_at <= $2)
INSERT INTO console_sessions (id, created_at, expires_at) VALUES ($1, $2, $3)`

// CreateSession stores a session of the console, and deletes the sessions that have ended.
func (db *DB) CreateSession(ctx context.Context, id []byte, created, expires time.Time) error {
	err := db.pool.ExecUnprepared(ctx, createSession, id, created, expires)
	return pool.Failed(ctx, "insert session", err)
}

const getSession = `SELECT expires_at FROM console_sessions WHERE id = $1 AND expires_at > $2`

// Session returns when a session ends. An unknown session, or a session that has ended, is an Error of code NotFound.
func (db *DB) Session(ctx context.Context, id []byte, now time.Time) (time.Time, error) {
	var expires time.Time
	if err := db.pool.Get(ctx, &expires, getSession, id, now); err != nil {
		return time.Time{}, pool.Failed(ctx, "get session", pool.OrNotFound(err, "session"))
	}
	return expires.UTC(), nil
}

const deleteSession = `DELETE FROM console_sessions WHERE id = $1`

// DeleteSession deletes a session, if there is one.
func (db *DB) DeleteSession(ctx context.Context, id []byte) error {
	err := db.pool.ExecUnprepared(ctx, deleteSession, id)
	return pool.Failed(ctx, "delete session", err)
}
