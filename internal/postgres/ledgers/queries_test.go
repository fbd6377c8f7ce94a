package ledgers_test

import (
	"testing"

	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestQueries(t *testing.T) {
	t.Parallel()
	postgrestest.PrepareQueries(t, ledgers.Composed())
}
