package main

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// scheduleRetention makes the schedule of the retention, if there is none. It retries until Temporal can be reached.
func (p *program) scheduleRetention(ctx context.Context) error {
	for {
		err := p.temporal.connect(ctx)
		if err == nil {
			err = handoff.ScheduleRetention(ctx, p.temporal.ScheduleClient(), p.install)
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		p.log.WarnContext(ctx, "waiting for temporal", "what", "schedule of the retention", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(workerRetry):
		}
	}
}

// removals returns the progress of the retention.
func (p *program) removals(ctx context.Context) ([]backstop.RemovalState, error) {
	return p.db.Removals(ctx, p.config.Keep.retention().Removals())
}
