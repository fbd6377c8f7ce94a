package main

import (
	"context"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/process"
)

// The users of CPU time. Backstop and the hand-written process are comparable: each has a worker, and an API or a starter.
const (
	useBackstop         = "backstop"
	usePlain            = "hand-written"
	useTemporal         = "temporal"
	usePostgresBackstop = "postgres, backstop"
	usePostgresTemporal = "postgres, temporal"
	usePostgresShared   = "postgres, shared" // WAL writer, checkpointer and other background processes
	useBench            = "bench and providers"
)

// meter reads the CPU times of all processes.
type meter struct {
	store *store
	fixed map[int32]string // process id to user; these processes run as long as the bench
}

// reading is the CPU time of each running process since its start, by process id.
type reading map[int32]cpuUse

type cpuUse struct {
	user    string
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

// backendsQuery lists the processes of Postgres, without their parent. The process of this connection comes first.
const backendsQuery = `SELECT pid, CASE
	WHEN application_name = $1 THEN $2
	WHEN datname IS NULL THEN $3
	WHEN datname LIKE 'temporal%' THEN $5
	ELSE $4 END
FROM pg_stat_activity ORDER BY pid = pg_backend_pid() DESC`

// read reads the CPU time of all processes.
func (m *meter) read(ctx context.Context) (reading, error) {
	r := reading{}
	for pid, user := range m.fixed {
		if err := r.add(ctx, pid, user); err != nil {
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
			pid  int32
			user string
		)
		if err := rows.Scan(&pid, &user); err != nil {
			return nil, fmt.Errorf("list postgres processes: %w", err)
		}
		if first { // the process of this connection, which runs until rows is closed
			if err := r.addParent(ctx, pid); err != nil {
				return nil, err
			}
		}
		_ = r.add(ctx, pid, user) // fails if the process has ended since the query
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list postgres processes: %w", err)
	}
	return r, nil
}

func (r reading) add(ctx context.Context, pid int32, user string) error {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return fmt.Errorf("find process of %s: %w", user, err)
	}
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read cpu time of %s: %w", user, err)
	}
	r[pid] = cpuUse{user: user, seconds: times.User + times.System}
	return nil
}

// addParent adds the parent of the processes of Postgres.
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

// since returns the CPU time in seconds of each user between two readings. The time of a process that ended in between is
// missing. Postgres connections stay open during a round, so this is little.
func (r reading) since(before reading) map[string]float64 {
	sum := map[string]float64{}
	for pid, u := range r {
		sum[u.user] += u.seconds - before[pid].seconds
	}
	return sum
}
