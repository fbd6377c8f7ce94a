package worker_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/worker"
)

// While a provider is down, only some of the waiting sends call it. When the provider is back, all messages go out.
func TestWorker_providerDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	monitor, err := health.New(r.db, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	watching, stop := context.WithCancel(t.Context())
	var monitored sync.WaitGroup
	monitored.Go(func() { monitor.Run(watching) })
	t.Cleanup(func() { stop(); monitored.Wait() })
	r.health = monitor
	var isUp atomic.Bool
	r.provider.during = func(context.Context) error {
		if isUp.Load() {
			return nil
		}
		return &backstop.Failure{Kind: backstop.Unavailable, Code: "503"}
	}
	r.work(worker.Options{})
	const sends, outage, pause = 40, 12 * time.Second, 10 * time.Second
	ids := make([]string, sends)
	start := time.Now()
	for i := range ids {
		ids[i] = r.accept(backstop.Undelivered, time.Hour)
	}
	time.Sleep(outage)
	calls, _ := r.provider.calls()
	most := 5 + int(time.Since(start)/pause) + 1 // until it opens, then one in each pause
	require.LessOrEqual(t, calls, most)

	isUp.Store(true)
	for _, id := range ids {
		r.submitted(id, backstop.WhatsApp)
	}
	calls, _ = r.provider.calls()
	require.LessOrEqual(t, calls, most+sends+1)
}
