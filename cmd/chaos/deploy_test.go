package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
)

func TestDeployment_plan(t *testing.T) {
	t.Parallel()
	for d, want := range map[deployment][]deployStep{
		rolled:     {migrateDatabase, startNew, stopPrevious},
		killed:     {migrateDatabase, startNew, killPrevious},
		rolledBack: {migrateDatabase, startNew, stopPrevious, startPrevious, stopNew},
	} {
		var steps []deployStep
		last := time.Duration(0)
		for _, step := range d.plan(30 * time.Second) {
			require.Greater(t, step.After, last)
			last = step.After
			steps = append(steps, deployStep(step.Kind))
		}
		require.Equal(t, want, steps)
		require.Less(t, last, 30*time.Second, "sends go out after the last step too")
	}
}

func TestTrial_planServes(t *testing.T) {
	t.Parallel()
	f := flags{program: "new", previousProgram: "old"}
	addresses := []string{"127.0.0.1:1", "127.0.0.1:2"}
	s := &stack{serves: trial{deploy: rolled}.planServes(f, addresses)}
	var found []string
	for _, one := range append(s.ofRelease(previousRelease), s.ofRelease(newRelease)...) {
		require.Equal(t, one.program == "new", one.isLater)
		found = append(found, one.program+" "+one.command+" "+one.address)
	}
	require.Equal(t, []string{"old worker ", "old api 127.0.0.1:1", "new worker ", "new api 127.0.0.1:2"}, found)
	for i, one := range (trial{seed: 7}).planServes(f, addresses) {
		require.Equal(t, "new serve "+addresses[i], one.program+" "+one.command+" "+one.address)
	}
}

// tasksBy is the history of a workflow with a task of each of these workers.
func tasksBy(identities ...string) *history.History {
	var h history.History
	for _, identity := range identities {
		h.Events = append(h.Events, &history.HistoryEvent{
			Attributes: &history.HistoryEvent_WorkflowTaskCompletedEventAttributes{
				WorkflowTaskCompletedEventAttributes: &history.WorkflowTaskCompletedEventAttributes{Identity: identity},
			},
		})
	}
	return &h
}

func TestRecord_checkDeployment(t *testing.T) {
	t.Parallel()
	s := &stack{serves: []*serve{{name: "previous-worker", pids: []int32{11}}, {name: "new-worker", pids: []int32{12, 13}}}}
	r, send := sound()
	require.ErrorContains(t, r.checkDeployment(), "no migration")
	r.migrations = 1
	r.addWorkers(s, tasksBy("12@host@", "13@host@"), send)
	require.ErrorContains(t, r.checkDeployment(), "begun by one release and ended by the other")
	r.addWorkers(s, tasksBy("11@host@"), send)
	r.addWorkers(s, tasksBy("11@host@"), nil) // of no send
	require.NoError(t, r.checkDeployment())
	require.Equal(t, 1, r.shared())
}

// TestRecord_falseFallbacks: a fallback is false if the report that satisfies its rule came before its SMS began, also if a
// process did not acknowledge the report, unless that process was killed.
func TestRecord_falseFallbacks(t *testing.T) {
	t.Parallel()
	r, s := sound()
	require.Zero(t, r.falseFallbacks())
	began := s.attemptsOf(sms)[0].StartedAt.Sub(noon).Seconds()
	s.Reports = append(s.Reports, receipt(began-1, meta, "wamid", delivered))
	require.Equal(t, 1, r.falseFallbacks())
	last := len(s.Reports) - 1
	s.Reports[last].Acked = time.Time{}
	require.Equal(t, 1, r.falseFallbacks())
	require.Equal(t, 1, r.unacknowledged())
	r.faults = []fault{{Kind: faultKind(killPrevious), Began: at(began - 0.9), Ended: at(began - 0.9)}}
	require.Zero(t, r.falseFallbacks())
	s.Reports[last] = receipt(began+1, meta, "wamid", delivered)
	require.Zero(t, r.falseFallbacks(), "it came later")
}

func TestPrintCounts(t *testing.T) {
	t.Parallel()
	r, s := sound()
	s.Final.Outcome = pending
	r.migrations, r.refused = 5, []string{"GET / was answered with 502"}
	r.panics = []failedTask{{text: unknownType + ": RemoveOld"}, {send: s, text: unknownType + ": Send"}}
	r.splitUnknown()
	require.Len(t, r.panics, 1, "all releases have the workflow of sends")
	var out bytes.Buffer
	printCounts(&out, []outcome{checkAll(trial{deploy: killed}, r)}, []*record{r})
	require.Regexp(t, `count +killed\n`, out.String())
	require.Regexp(t, `migrations applied under load +5\n`, out.String())
	require.Regexp(t, `sends accepted +1\n`, out.String())
	require.Regexp(t, `API requests answered with 5xx +1\n`, out.String())
	require.Regexp(t, `previous release refused +1\n`, out.String())
	require.Regexp(t, `lost +1\n`, out.String())
	require.Regexp(t, `doubled +0\n`, out.String())
}
