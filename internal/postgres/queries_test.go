package postgres_test

import (
	"testing"

	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestQueries(t *testing.T) {
	t.Parallel()
	postgrestest.PrepareQueries(t, postgres.Composed())
}
