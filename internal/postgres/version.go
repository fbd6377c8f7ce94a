package postgres

import (
	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// explainMissing returns why a change of one version changed no row: the row is missing, or it has another version. Err is the
// error of a query for any version.
func explainMissing(err error, what string) error {
	if err != nil {
		return pool.OrNotFound(err, what)
	}
	return staleError(what)
}

func staleError(what string) error {
	return &backstop.Error{
		Code: backstop.Stale, Message: "the " + what + " has changed since you read it: read it again, then repeat your change",
	}
}
