package api_test

import (
	"context"
	"slices"
	"strings"

	"github.com/backstophq/backstop"
)

// auditLog is an audit log in memory. If away is set, every method returns it.
type auditLog struct {
	entries []backstop.AuditEntry // the oldest first
	filter  backstop.AuditFilter  // of the newest call
	away    error
}

func (a *auditLog) fits(f backstop.AuditFilter) []backstop.AuditEntry {
	a.filter = f
	return slices.DeleteFunc(slices.Clone(a.entries), func(e backstop.AuditEntry) bool {
		return f.Kind != "" && e.Kind != f.Kind || !strings.Contains(e.Name, f.Search)
	})
}

func (a *auditLog) ListAudit(
	_ context.Context, f backstop.AuditFilter, page backstop.Page,
) (list []backstop.AuditEntry, more bool, err error) {
	list, more = cut(a.fits(f), page, func(e backstop.AuditEntry) string { return e.ID })
	return list, more, a.away
}

func (a *auditLog) CountAudit(_ context.Context, f backstop.AuditFilter) (backstop.Total, error) {
	return backstop.Total{Count: len(a.fits(f)), IsExact: true}, a.away
}

func (a *auditLog) AddAuditEntry(ctx context.Context, e backstop.AuditEntry) error {
	e.Actor = backstop.ActorOf(ctx)
	a.entries = append(a.entries, e)
	return a.away
}
