package postgres

import (
	"context"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// hasOptedOut looks at the newest 1000 sends of a number. An opt-out no longer counts after a later message of its channel
// arrived, or after the person wrote START.
const hasOptedOut = `WITH recent AS MATERIALIZED (
    SELECT id FROM sends WHERE reverse(recipient) = reverse($1) ORDER BY id DESC LIMIT 1000
), messages AS MATERIALIZED (
    SELECT a.send, a.channel, a.started_at, a.status,
        COALESCE(a.refusal, a.failure) ->> 'class' IS NOT DISTINCT FROM 'opted_out' AS is_refused
    FROM recent AS r JOIN attempts AS a ON a.send = r.id
)
SELECT EXISTS (
    SELECT FROM messages AS m WHERE m.is_refused
    AND NOT EXISTS (
        SELECT FROM messages AS later
        WHERE later.channel = m.channel AND later.started_at > m.started_at AND later.status IN ('delivered', 'read')
    )
    AND NOT EXISTS (
        SELECT FROM inbound AS i
        WHERE i.sender = $1 AND i.channel = m.channel AND i.keyword = 'start' AND i.received_at > m.started_at
    )
)`

// HasOptedOut reports whether the person of a number has opted out, as far as the sends know.
func (db *DB) HasOptedOut(ctx context.Context, number string) (bool, error) {
	var optedOut bool
	err := db.pool.GetUnprepared(ctx, &optedOut, hasOptedOut, number)
	return optedOut, pool.Failed(ctx, "find opt-outs", err)
}
