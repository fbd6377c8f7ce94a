package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func allGuards() backstop.Guards {
	return backstop.Guards{
		Allow: []string{"GB", "FR"}, Block: []string{"DE"}, Watch: []string{"FR"}, RecipientCap: 1, PrefixCap: 2, PrefixDigits: 3,
		CountryCap: 4, CountryCaps: []backstop.CountryCap{{Country: "GB", Cap: 5}, {Country: "FR"}},
		SameTextSeconds: 6, SameTextAnswer: backstop.AnswerRefuse,
	}
}

func TestDB_Guards(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	first, err := db.Guards(t.Context())
	require.NoError(t, err)
	require.Equal(t, backstop.Guards{Version: 1}, first, "all are off")

	before := db.Now()
	stored, err := db.ReplaceGuards(t.Context(), allGuards(), 1)
	require.NoError(t, err)
	require.False(t, stored.UpdatedAt.Before(before))
	want := allGuards()
	want.Version, want.UpdatedAt = 2, stored.UpdatedAt
	require.Equal(t, want, stored)
	read, err := db.Guards(t.Context())
	require.NoError(t, err)
	require.Equal(t, stored, read)

	_, err = db.ReplaceGuards(t.Context(), backstop.Guards{}, 1)
	requireCode(t, backstop.Stale, err)
	read, err = db.ReplaceGuards(t.Context(), backstop.Guards{}, backstop.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, backstop.Guards{Version: 3, UpdatedAt: read.UpdatedAt}, read)
}

// The answer to a change is lost. The change is made once, and is no conflict with itself.
func TestDB_ReplaceGuards_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, isAfter := range map[string]bool{"before the commit": false, "after the commit": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, proxy := behindProxy(t)
			proxy.On(cutproxy.Cut{Match: executes("COMMIT"), After: isAfter, How: cutproxy.Reset})
			stored, err := db.ReplaceGuards(t.Context(), allGuards(), 1)
			require.NoError(t, err)
			require.Equal(t, 2, stored.Version)
		})
	}
}

func TestDB_GuardResults(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	hour := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	refused := func(country string, count int, at time.Time) backstop.GuardCount {
		return backstop.GuardCount{
			Guard: backstop.GuardCountryCap, Result: backstop.GuardRefused, Country: country, Count: count, LastAt: at,
		}
	}
	require.NoError(t, db.AddGuardResults(t.Context(), []backstop.GuardCount{
		refused("GB", 3, hour.Add(-time.Second)), refused("GB", 5, hour.Add(2*time.Minute)), refused("", 2, hour),
	}))
	require.NoError(t, db.AddGuardResults(t.Context(), []backstop.GuardCount{
		refused("GB", 7, hour.Add(time.Minute)), refused("GB", 1, hour.Add(time.Hour)),
	}))
	counts, err := db.GuardResults(t.Context(), hour, 10)
	require.NoError(t, err)
	require.Equal(t, []backstop.GuardCount{refused("GB", 13, hour.Add(time.Hour)), refused("", 2, hour)}, counts)
	counts, err = db.GuardResults(t.Context(), hour, 1)
	require.NoError(t, err)
	require.Len(t, counts, 1)
}
