package postgres

import "time"

// Now is the time by which the store stamps its rows: this process's clock, to the microsecond, as Postgres keeps it.
func (*DB) Now() time.Time { return now() }
