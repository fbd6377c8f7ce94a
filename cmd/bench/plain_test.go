package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	p := &plain{milestones: newMilestones()}
	for name, hand := range map[kind]func(workflow.Context, message) (receipt, error){bare: p.Bare, tuned: p.Tuned} {
		for want, receipts := range map[string][]string{delivered: {sent, delivered}, sent: {sent}, "": nil} {
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			env.RegisterActivity(p.Submit)
			for i, status := range receipts {
				env.RegisterDelayedCallback(func() {
					if name == tuned {
						env.UpdateWorkflowNoRejection(receiptName, "", t, receipt{Status: status})
						return
					}
					env.SignalWorkflow(receiptName, receipt{Status: status})
				}, time.Duration(i+1)*time.Second)
			}
			began := env.Now()
			env.ExecuteWorkflow(hand, message{To: "+447400123401"})
			require.NoError(t, env.GetWorkflowError(), name)
			var got receipt
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, want, got.Status, "%s with %v", name, receipts)
			require.Equal(t, want != delivered, env.Now().Sub(began) >= plainWait, "%s with %v waits for its timer", name, receipts)
		}
	}
}
