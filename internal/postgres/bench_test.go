package postgres_test

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// BenchmarkSend_whole is what Postgres does for one send that is delivered: accepted, called for, its three receipts, its
// marks and its end.
func BenchmarkSend_whole(b *testing.B) {
	plan := backstop.Plan{PolicyID: policyID, PolicyName: "p", Rules: []backstop.Rule{
		{ID: policyID, Name: "undelivered", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "Acme"},
	}}
	b.Run("alone", func(b *testing.B) {
		db, report := durable(b)
		for b.Loop() {
			whole(b, db, plan)
		}
		report()
	})
	b.Run("20 at once", func(b *testing.B) {
		db, report := durable(b)
		b.SetParallelism(max(1, 20/runtime.GOMAXPROCS(0)))
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				whole(b, db, plan)
			}
		})
		report()
	})
}

// durable returns a store that waits for the disk, unlike that of the tests, and a function that reports what a send has
// cost Postgres: bytes of write-ahead log, and bytes of tables and indexes.
func durable(b *testing.B) (db *postgres.DB, report func()) {
	b.Helper()
	parsed, err := url.Parse(postgrestest.URL(b))
	require.NoError(b, err)
	query := parsed.Query()
	query.Set("synchronous_commit", "on")
	parsed.RawQuery = query.Encode()
	db, err = postgres.Open(b.Context(), parsed.String(), postgres.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	err = postgrestest.Migrate(b.Context(), db)
	require.NoError(b, err)
	raw, err := sql.Open("postgres", parsed.String())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, raw.Close()) })
	size := func() (log, tables float64) {
		require.NoError(b, raw.QueryRowContext(b.Context(), `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
    (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace)
`).Scan(&log, &tables))
		return log, tables
	}
	log, tables := size()
	return db, func() {
		b.StopTimer()
		logNow, tablesNow := size()
		b.ReportMetric((logNow-log)/float64(b.N), "log-B/send")
		b.ReportMetric((tablesNow-tables)/float64(b.N), "table-B/send")
	}
}

func whole(b *testing.B, db *postgres.DB, plan backstop.Plan) {
	b.Helper()
	ctx := b.Context()
	send := newSend(b)
	send.Plan = plan
	_, _, err := db.InsertSend(ctx, send, nil)
	must(b, err)
	call := whatsApp
	call.Token = rand.Text()
	ruling, _, err := db.Begin(ctx, send.ID, call)
	must(b, err)
	must(b, db.MarkSent(ctx, []string{send.ID}))
	_, _, err = db.End(ctx, send.ID, backstop.Ending{
		Step: ruling.Attempt.Ref.Step, Token: call.Token, Submission: backstop.Submission{MessageID: messageID(send.ID, 1)},
	})
	must(b, err)
	for _, status := range []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read} {
		waited, err := db.InsertReceipts(ctx, []backstop.Receipt{receipt(send.ID, 1, status)})
		must(b, err)
		for _, w := range waited {
			must(b, db.MarkSignalled(ctx, []string{w.ID}))
		}
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Error(err)
		b.FailNow()
	}
}

// BenchmarkDB_InsertGuarded stores sends of one country, 20 at once. A prefix has one row and a country has several, so the two
// show what a hot row costs.
func BenchmarkDB_InsertGuarded(b *testing.B) {
	const most = backstop.MaxGuardCap
	recipient := func(send backstop.Send) backstop.CapCheck { return capOf(backstop.GuardRecipientCap, send.To, most) }
	prefix := func(backstop.Send) backstop.CapCheck { return capOf(backstop.GuardPrefixCap, "+44740012", most) }
	country := func(backstop.Send) backstop.CapCheck { return capOf(backstop.GuardCountryCap, "GB", most) }
	for _, guards := range []struct {
		name string
		caps []func(backstop.Send) backstop.CapCheck
		text bool
	}{
		{name: "none"}, {name: "recipient", caps: []func(backstop.Send) backstop.CapCheck{recipient}},
		{name: "one row", caps: []func(backstop.Send) backstop.CapCheck{prefix}},
		{name: "country", caps: []func(backstop.Send) backstop.CapCheck{country}},
		{name: "same text", text: true},
		{name: "all", caps: []func(backstop.Send) backstop.CapCheck{recipient, prefix, country}, text: true},
	} {
		b.Run(guards.name, func(b *testing.B) {
			db, report := durable(b)
			var number atomic.Int64
			b.SetParallelism(max(1, 20/runtime.GOMAXPROCS(0)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					send := newSend(b)
					send.To = fmt.Sprintf("+4474001%05d", number.Add(1)%100_000)
					var checks backstop.GuardChecks
					for _, check := range guards.caps {
						checks.Caps = append(checks.Caps, check(send))
					}
					if guards.text {
						checks.Digest, checks.TextWindow = sameText(send.ID, time.Minute).Digest, time.Minute
					}
					var err error
					if checks.IsEmpty() {
						_, _, err = db.InsertSend(b.Context(), send, nil)
					} else {
						_, _, err = db.InsertGuarded(b.Context(), send, nil, checks)
					}
					must(b, err)
				}
			})
			report()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
		})
	}
}
