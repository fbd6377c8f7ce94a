package main

import (
	"context"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/process"
)

// Who uses CPU time. Backstop and plain stand side by side: each is an API (or starter) with a worker.
const (
	useBackstop         = "backstop"
	usePlain            = "hand-written"
	useTemporal         = "temporal"
	usePostgresBackstop = "postgres, backstop"
	usePostgresTemporal = "postgres, temporal"
	usePostgresShared   = "postgres, shared" // the log writer, checkpoints and the like
	useBench            = "bench and providers"
)

// meter reads CPU times.
type meter struct {
	store *store
	fixed map[int32]string // processes that live as long as the bench
}

// reading is the CPU time that each living process has used.
type reading map[int32]cpuUse

type cpuUse struct {
	who     string
	seconds float64
}

func newMeter(s *store, backstop, plain int32) *meter {
	return &meter{store: s, fixed: map[int32]string{
		int32(os.Getpid()):  useBench,    //nolint:gosec // process ids are 32 bits wide
		int32(os.Getppid()): useTemporal, //nolint:gosec // devstack is the parent, and Temporal runs in it
		backstop:            useBackstop,
		plain:               usePlain,
	}}
}

// backendsQuery lists the processes of Postgres but for its first, which is their parent.
const backendsQuery = `SELECT pid, CASE
	WHEN application_name = $1 THEN $2
	WHEN datname IS NULL THEN $3
	WHEN datname LIKE 'temporal%' THEN $5
	ELSE $4 END
FROM pg_stat_activity ORDER BY pid = pg_backend_pid() DESC`

// read reads what all have used so far.
func (m *meter) read(ctx context.Context) (reading, error) {
	r := reading{}
	for pid, who := range m.fixed {
		if err := r.add(ctx, pid, who); err != nil {
			return nil, err
		}
	}
	rows, err := m.store.db.QueryContext(ctx, backendsQuery,
		applicationName, useBench, usePostgresShared, usePostgresBackstop, usePostgresTemporal)
	if err != nil {
		return nil, fmt.Errorf("list postgres processes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for first := true; rows.Next(); first = false {
		var (
			pid int32
			who string
		)
		if err := rows.Scan(&pid, &who); err != nil {
			return nil, fmt.Errorf("list postgres processes: %w", err)
		}
		if first { // our own: it lives, and so does its parent
			if err := r.addParent(ctx, pid); err != nil {
				return nil, err
			}
		}
		_ = r.add(ctx, pid, who) // unless it has just ended
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list postgres processes: %w", err)
	}
	return r, nil
}

func (r reading) add(ctx context.Context, pid int32, who string) error {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return fmt.Errorf("find process of %s: %w", who, err)
	}
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read cpu time of %s: %w", who, err)
	}
	r[pid] = cpuUse{who: who, seconds: times.User + times.System}
	return nil
}

// addParent adds the first process of Postgres.
func (r reading) addParent(ctx context.Context, backend int32) error {
	p, err := process.NewProcessWithContext(ctx, backend)
	if err != nil {
		return fmt.Errorf("find postgres: %w", err)
	}
	parent, err := p.PpidWithContext(ctx)
	if err != nil {
		return fmt.Errorf("find postgres: %w", err)
	}
	return r.add(ctx, parent, usePostgresShared)
}

// since is the CPU time in seconds that each has used between two readings. What a process of Postgres used that ended
// meanwhile is missed; connections outlive a round.
func (r reading) since(before reading) map[string]float64 {
	sum := map[string]float64{}
	for pid, u := range r {
		sum[u.who] += u.seconds - before[pid].seconds
	}
	return sum
}
