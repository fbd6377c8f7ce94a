package postgres

import "context"

const getInstallation = `SELECT id FROM installation`

// Installation returns the id of this database's installation: a UUID that its first migration has made.
func (db *DB) Installation(ctx context.Context) (string, error) {
	var id string
	err := db.get(ctx, &id, getInstallation)
	return id, failed(ctx, "get installation", err)
}
