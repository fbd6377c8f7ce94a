package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

const (
	// orphanAge is how long a receipt that matches no attempt is kept. Meta repeats a webhook for up to 7 days; the id of a
	// message is stored minutes after its call, or once Postgres is back.
	orphanAge = 8 * 24 * time.Hour
	// orphanLimit bounds the receipts that one statement deletes.
	orphanLimit = 1000
	// maintainTimeout bounds Maintain. The next call does the rest.
	maintainTimeout = 30 * time.Second
)

// outgrown lists the tables that have doubled since Postgres counted their rows. A plan of a prepared statement is kept until
// the rows are counted again. A plan that was made for a small table reads all of it, and autovacuum comes once a minute: a new
// installation under load would be slow until then. Autovacuum alone counts tables of more than 1 GB.
const outgrown = `SELECT oid::regclass::text FROM pg_class
WHERE oid IN ('sends'::regclass, 'attempts'::regclass, 'events'::regclass, 'receipts'::regclass,
        'opt_outs'::regclass, 'callbacks'::regclass, 'callback_tries'::regclass, 'callback_queues'::regclass,
        'guard_counts'::regclass, 'guard_texts'::regclass)
    AND pg_relation_size(oid) / current_setting('block_size')::int BETWEEN 2 * greatest(relpages, 0) + 8 AND 131072`

const deleteOrphans = `DELETE FROM receipts WHERE send IS NULL AND id = ANY(ARRAY(
    SELECT id FROM receipts WHERE send IS NULL AND id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
))`

// Maintain updates the statistics of tables that have grown much, and deletes receipts that matched no attempt for 8 days,
// and what the guards have counted before their windows. Any number of processes may call it, every few seconds.
func (db *DB) Maintain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maintainTimeout)
	defer cancel()
	return errors.Join(db.countRows(ctx), db.dropOrphans(ctx), db.dropGuardRows(ctx))
}

func (db *DB) countRows(ctx context.Context) error {
	var tables []string
	if err := db.pool.SelectUnprepared(ctx, &tables, outgrown); err != nil {
		return pool.Failed(ctx, "find outgrown tables", err)
	}
	for _, table := range tables {
		// Another process may be counting already: SKIP_LOCKED. The name is quoted by Postgres.
		if err := db.pool.ExecUnprepared(ctx, fmt.Sprintf("ANALYZE (SKIP_LOCKED) %s", table)); err != nil {
			return pool.Failed(ctx, "analyze", err)
		}
	}
	return nil
}

func (db *DB) dropOrphans(ctx context.Context) error {
	before := pool.MinID(db.pool.Now().Add(-orphanAge))
	for n := int64(orphanLimit); n == orphanLimit; {
		var err error
		if n, err = db.pool.Exec(ctx, deleteOrphans, before, orphanLimit); err != nil {
			return pool.Failed(ctx, "delete orphans", err)
		}
	}
	return nil
}
