package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/backstophq/backstop"
)

// Audit reads the audit log, and adds what triggers do not see. The errors of its methods have the codes Invalid, for a cursor,
// and TryLater.
type Audit interface {
	// ListAudit returns the entries that pass a filter, the newest first, and whether more follow.
	ListAudit(
		ctx context.Context, filter backstop.AuditFilter, page backstop.Page,
	) (entries []backstop.AuditEntry, more bool, err error)
	CountAudit(ctx context.Context, filter backstop.AuditFilter) (backstop.Total, error)
	// AddAuditEntry adds an entry, by the actor of the context.
	AddAuditEntry(ctx context.Context, e backstop.AuditEntry) error
}

// ListAudit answers GET /v1/audit.
func (s *server) ListAudit(ctx context.Context, r ListAuditRequestObject) (ListAuditResponseObject, error) {
	p := r.Params
	page, err := readPage(p.Cursor, p.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	filter, err := auditFilter(ExportAuditParams{
		Actor: p.Actor, ActorKind: p.ActorKind, Action: p.Action, Kind: p.Kind, Target: p.Target, To: p.To, Search: p.Search,
		From: p.From, Until: p.Until,
	})
	if err != nil {
		return nil, err
	}
	entries, more, err := s.audit.ListAudit(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	list := AuditList{
		Items:      showAll(entries, showAuditEntry),
		NextCursor: nextCursor(more, func() string { return entries[len(entries)-1].ID }),
	}
	list.Total, err = countIf(p.Total, func() (backstop.Total, error) { return s.audit.CountAudit(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListAudit200JSONResponse(list), nil
}

func auditFilter(p ExportAuditParams) (backstop.AuditFilter, error) {
	if err := backstop.ValidateRange(p.From, p.Until); err != nil {
		return backstop.AuditFilter{}, err
	}
	return backstop.AuditFilter{
		Actor: orZero(p.Actor), ActorKind: backstop.ActorKind(orZero(p.ActorKind)),
		Action: backstop.AuditAction(orZero(p.Action)), Kind: backstop.AuditKind(orZero(p.Kind)), Target: orZero(p.Target),
		To: orZero(p.To), Search: orZero(p.Search), From: orZero(p.From), Until: orZero(p.Until),
	}, nil
}

func showAuditEntry(e backstop.AuditEntry) AuditEntry {
	return AuditEntry{
		ID: e.ID, At: e.At.UTC(), Action: AuditAction(e.Action), Kind: AuditKind(e.Kind), Target: omitZero(e.Target),
		Name: omitZero(e.Name), To: omitZero(e.To), Before: omitNull(e.Before), After: omitNull(e.After),
		Actor: Actor{
			Kind: ActorKind(e.Actor.Kind), ID: omitZero(e.Actor.ID), Name: e.Actor.Name, From: omitZero(e.Actor.From),
		},
	}
}

func omitNull(text json.RawMessage) *json.RawMessage {
	if text == nil {
		return nil
	}
	return &text
}

// auditPage is how many entries an export reads at once. An entry may have two versions of a message.
const auditPage = 200

// ExportAudit answers GET /v1/audit.csv.
func (s *server) ExportAudit(ctx context.Context, r ExportAuditRequestObject) (ExportAuditResponseObject, error) {
	filter, err := auditFilter(r.Params)
	if err != nil {
		return nil, err
	}
	file, err := newCSVFile(ctx, s, "audit", auditColumns(), csvSource[backstop.AuditEntry]{
		Page: backstop.Page{Limit: auditPage}, Row: auditCSV,
		ID: func(e backstop.AuditEntry) string { return e.ID },
		List: func(ctx context.Context, page backstop.Page) ([]backstop.AuditEntry, bool, error) {
			return s.audit.ListAudit(ctx, filter, page)
		},
	})
	return auditFile{file}, err
}

func auditColumns() []string {
	return []string{
		"id", "at", "actor_kind", "actor_id", "actor_name", "actor_from", "action", "kind", "target", "name", "to", "before",
		"after",
	}
}

func auditCSV(e backstop.AuditEntry) []string {
	return []string{
		e.ID, exportTime(&e.At), string(e.Actor.Kind), plainText(e.Actor.ID), plainText(e.Actor.Name), e.Actor.From,
		string(e.Action), string(e.Kind), plainText(e.Target), plainText(e.Name), e.To, string(e.Before), string(e.After),
	}
}

type auditFile struct{ csvFile }

// VisitExportAuditResponse streams the file.
func (f auditFile) VisitExportAuditResponse(w http.ResponseWriter) error { return f.write(w) }
