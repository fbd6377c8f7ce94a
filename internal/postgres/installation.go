package postgres

import (
	"context"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

const getInstallation = `SELECT id FROM installation`

// Installation returns the id of this database's installation: a UUID that migration 00010 generates.
func (db *DB) Installation(ctx context.Context) (string, error) {
	var id string
	err := db.pool.Get(ctx, &id, getInstallation)
	return id, pool.Failed(ctx, "get installation", err)
}
