package schema_test

import (
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/schema"
)

// A send that was accepted with an expiry after the year 9999 gets the last possible one. All sends are due for the sweeper.
func TestMigrate_lastTime(t *testing.T) {
	t.Parallel()
	db := postgrestest.Raw(t, postgrestest.URL(t))
	before, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("."), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	_, err = before.UpTo(t.Context(), 8)
	require.NoError(t, err)
	const insert = `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, outcome, expires_at)
VALUES ($1::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid, jsonb_build_object('policy_id', $1::uuid), now(),
    'queued', '', false, '', '', false, 'pending', $2::timestamptz)`
	for id, expires := range map[string]any{
		"0190a0a0-0000-7000-8000-000000000001": "10000-01-01 04:59:59+00", "0190a0a0-0000-7000-8000-000000000002": nil,
		"0190a0a0-0000-7000-8000-000000000003": "2031-05-04 12:00:00+00",
	} {
		_, err := db.ExecContext(t.Context(), insert, id, expires)
		require.NoError(t, err)
	}
	_, err = schema.Migrate(t.Context(), db)
	require.NoError(t, err)

	var last time.Time
	var due, kept int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT max(expires_at), count(*) FILTER (WHERE sweep_at <= now()),
    count(*) FILTER (WHERE expires_at IS NULL OR expires_at = '2031-05-04 12:00:00+00') FROM sends`).Scan(&last, &due, &kept))
	require.WithinDuration(t, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), last, 0)
	require.Equal(t, 3, due)
	require.Equal(t, 2, kept)
	var installations int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM installation`).Scan(&installations))
	require.Equal(t, 1, installations)
	_, err = db.ExecContext(t.Context(), `INSERT INTO installation (id) VALUES (gen_random_uuid())`)
	require.Error(t, err, "there is one")
}
