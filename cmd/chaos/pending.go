package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
)

// describeEach is the pause between two polls of workflows by watchEngine.
const describeEach = 150 * time.Millisecond

// watchEngine searches workflows for personal data while they run. Only then does Temporal show heartbeat details and the
// failures of activities that it retries; the history never has them. watchEngine returns when the context ends.
func watchEngine(ctx context.Context, address string, l *load) []leak {
	engine, err := client.NewLazyClient(client.Options{HostPort: address, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil // impossible: the address is valid
	}
	defer engine.Close()
	var leaks []leak
	seen := map[*sendRecord]bool{}
	for sleepFor(ctx, describeEach) {
		known := l.accepted()
		if len(known) == 0 {
			continue
		}
		recent := known[max(0, len(known)-50):]
		s := recent[rand.IntN(len(recent))] //nolint:gosec // a choice
		asking, cancel := context.WithTimeout(ctx, time.Second)
		found, err := engine.DescribeWorkflowExecution(asking, "send/"+s.ID, "")
		cancel()
		if err != nil || seen[s] {
			continue // a fault is under way, or the leak is recorded
		}
		text, err := proto.Marshal(found)
		if err != nil {
			continue
		}
		one := &record{}
		one.search(fmt.Sprintf("the run of send/%s, while it lasted,", s.ID), string(text), s, indexSecrets([]*sendRecord{s}))
		seen[s] = len(one.leaks) > 0
		leaks = append(leaks, one.leaks...)
	}
	return leaks
}
