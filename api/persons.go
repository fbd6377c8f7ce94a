package api

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/backstophq/backstop"
)

// Persons reads what is stored about people. The errors of its methods have the code TryLater, or Invalid for a cursor.
type Persons interface {
	// PersonalData counts what is stored about the person of a number.
	PersonalData(ctx context.Context, number string) (backstop.PersonalData, error)
	// ExportPerson returns all rows about the person of a number, with each table at least once.
	ExportPerson(ctx context.Context, number string) iter.Seq2[backstop.PersonPart, error]
	// ListErasures returns the erasures, the newest first, and whether more follow.
	ListErasures(ctx context.Context, page backstop.Page) (list []backstop.Erasure, more bool, err error)
	// AddAuditEntry adds an entry to the audit by the actor of the context.
	AddAuditEntry(ctx context.Context, entry backstop.AuditEntry) error
}

// GetPerson answers GET /v1/person.
func (s *server) GetPerson(ctx context.Context, r GetPersonRequestObject) (GetPersonResponseObject, error) {
	if _, err := backstop.CountryOf(r.Params.To); err != nil {
		return nil, err
	}
	p, err := s.persons.PersonalData(ctx, r.Params.To)
	if err != nil {
		return nil, err
	}
	shown := PersonalData{
		Sends: p.Sends, OpenSends: p.OpenSends, Inbound: p.Inbound, OptOuts: p.OptOuts, OptOutChanges: p.OptOutChanges,
		AuditEntries: p.AuditEntries,
	}
	if p.Erasure != nil {
		shown.Erasure = new(showErasure(*p.Erasure))
	}
	return GetPerson200JSONResponse(shown), nil
}

// ListErasures answers GET /v1/erasures.
func (s *server) ListErasures(ctx context.Context, r ListErasuresRequestObject) (ListErasuresResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	list, more, err := s.persons.ListErasures(ctx, page)
	if err != nil {
		return nil, err
	}
	return ListErasures200JSONResponse{
		Items:      showAll(list, showErasure),
		NextCursor: nextCursor(more, func() string { return list[len(list)-1].ID }),
	}, nil
}

// ExportPerson answers POST /v1/exports. It reads the first rows before it answers, so that an error has a status of its own.
func (s *server) ExportPerson(ctx context.Context, r ExportPersonRequestObject) (ExportPersonResponseObject, error) {
	if _, err := backstop.CountryOf(r.Body.To); err != nil {
		return nil, err
	}
	err := s.persons.AddAuditEntry(ctx, backstop.AuditEntry{
		Action: backstop.AuditCreate, Kind: backstop.AuditExport, To: r.Body.To,
	})
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(s.persons.ExportPerson(ctx, r.Body.To))
	first, err, _ := next()
	if err != nil {
		stop()
		return nil, err
	}
	return personExport{server: s, ctx: ctx, to: r.Body.To, part: first, next: next, stop: stop}, nil
}

// personExport streams the parts of an export.
type personExport struct {
	*server

	ctx  context.Context //nolint:containedctx // of the request: the generated interface has none
	to   string
	part backstop.PersonPart
	next func() (backstop.PersonPart, error, bool)
	stop func()
}

// VisitExportPersonResponse streams the file. An error after the first byte aborts the connection, so that the client does not
// take a part for the whole.
func (e personExport) VisitExportPersonResponse(w http.ResponseWriter) error {
	defer e.stop()
	at := e.now().UTC()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="person-`+at.Format("20060102-150405")+`.json"`)
	w.WriteHeader(http.StatusOK)
	if err := e.write(w, at); err != nil {
		e.abortExport(e.ctx, "person", err)
	}
	return nil
}

// write writes an object with an array for each table. The parts of a table follow each other.
func (e personExport) write(w http.ResponseWriter, at time.Time) error {
	control, file := http.NewResponseController(w), bufio.NewWriter(w)
	fmt.Fprintf(file, `{"exported_at":%q,"to":%q`, exportTime(&at), e.to) // Flush has the error of each write
	table, end := "", ""
	for part, more := e.part, true; more; {
		if err := control.SetWriteDeadline(time.Now().Add(exportTimeout)); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		separator := ","
		if part.Table != table {
			fmt.Fprintf(file, "%s,\n%q:[", end, part.Table)
			table, end, separator = part.Table, "]", ""
		}
		for _, row := range part.Rows {
			fmt.Fprintf(file, "%s\n%s", separator, row)
			separator = ","
		}
		if err := cmp.Or(file.Flush(), control.Flush()); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		_, err := e.readmit(e.ctx)
		if err == nil {
			part, err, more = e.next()
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(file, "%s}\n", end)
	if err := file.Flush(); err != nil {
		return fmt.Errorf("write end: %w", err)
	}
	return nil
}
