package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

// BenchmarkServer sends WhatsApp messages over the loopback and waits for the three receipts of each.
func BenchmarkServer(b *testing.B) {
	var hooks atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		hooks.Add(1)
	}))
	defer hook.Close()
	opts := options()
	opts.Meta.WebhookURL = hook.URL
	s, err := sandbox.New(opts)
	require.NoError(b, err)
	api := httptest.NewServer(s)
	defer api.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()

	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			res, err := client.Do(metaRequest(b.Context(), api.URL, textBody(fmt.Sprintf("49%09d01", n.Add(1)), "42")))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
	for hooks.Load() < 3*n.Load() {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "messages/s")
	require.NoError(b, s.Shutdown(b.Context()))
}
