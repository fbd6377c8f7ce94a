package handoff

import (
	"context"

	"github.com/backstophq/backstop"
)

// logAccountFaults logs for the operator the account faults that receipts bring. A webhook may carry thousands of receipts, so
// it is one line per provider and code.
func (h *Handoff) logAccountFaults(ctx context.Context, receipts []backstop.Receipt) {
	type fault struct{ provider, code string }
	counts := map[fault]int{}
	reasons := map[fault]string{}
	for _, r := range receipts {
		if r.Failure == nil || r.Failure.Class != backstop.AccountFault {
			continue
		}
		f := fault{r.Provider, r.Failure.Code}
		counts[f]++
		reasons[f] = r.Failure.Reason
	}
	for f, count := range counts {
		h.log.ErrorContext(ctx, "messages failed by a fault of the account",
			"provider", f.provider, "code", f.code, "reason", reasons[f], "receipts", count)
	}
}
