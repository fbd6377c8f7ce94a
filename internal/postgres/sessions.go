package postgres

import (
	"context"
	"time"
)

// createSession also forgets the sessions that have ended, so that nothing else has to sweep them.
const createSession = `WITH ended AS (DELETE FROM console_sessions WHERE expires_at <= $2)
INSERT INTO console_sessions (id, created_at, expires_at) VALUES ($1, $2, $3)`

// CreateSession stores a session of the console and deletes those that had ended when it was created.
func (db *DB) CreateSession(ctx context.Context, id []byte, created, expires time.Time) error {
	_, err := db.db.ExecContext(ctx, createSession, id, created, expires)
	return failed(ctx, "insert session", err)
}

const getSession = `SELECT expires_at FROM console_sessions WHERE id = $1 AND expires_at > $2`

// Session returns when a session ends. One that there is not, or that has ended by now, is an Error of code NotFound.
func (db *DB) Session(ctx context.Context, id []byte, now time.Time) (time.Time, error) {
	var expires time.Time
	if err := db.get(ctx, &expires, getSession, id, now); err != nil {
		return time.Time{}, failed(ctx, "get session", orNotFound(err, "session"))
	}
	return expires.UTC(), nil
}

const deleteSession = `DELETE FROM console_sessions WHERE id = $1`

// DeleteSession deletes a session, if there is one.
func (db *DB) DeleteSession(ctx context.Context, id []byte) error {
	_, err := db.db.ExecContext(ctx, deleteSession, id)
	return failed(ctx, "delete session", err)
}
