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

// describeEach is the pause between two looks at what the engine has of a run.
const describeEach = 150 * time.Millisecond

// watchEngine looks at what the engine keeps of runs while they last, and that no history has later: the details of
// heartbeats and failures of activities that are still tried. It returns when the context ends.
func watchEngine(ctx context.Context, address string, l *load) []leak {
	engine, err := client.NewLazyClient(client.Options{HostPort: address, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil // the address is a good one
	}
	defer engine.Close()
	var leaks []leak
	seen := map[*sendRecord]bool{}
	for sleep(ctx, describeEach) {
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
			continue // a fault is being done
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
