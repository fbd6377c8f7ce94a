package api

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/backstophq/backstop"
)

// ExportOptOuts answers GET /v1/opt-outs.csv. It reads the first page before it answers, so that an error has a status of its
// own.
func (s *server) ExportOptOuts(ctx context.Context, r ExportOptOutsRequestObject) (ExportOptOutsResponseObject, error) {
	p := r.Params
	filter := optOutFilter(p.To, p.ToEnds, p.Category, p.Source)
	e := &optOutExport{server: s, filter: filter, page: backstop.Page{Limit: exportPage}}
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	return optOutFile{ctx: ctx, optOutExport: e}, nil
}

// optOutExport reads the entries of a file page by page. An entry that is added or removed meanwhile may be in the file or not.
type optOutExport struct {
	*server

	filter backstop.OptOutFilter
	page   backstop.Page

	rows []backstop.OptOut
	more bool
}

func (e *optOutExport) load(ctx context.Context) (err error) {
	e.rows, e.more, err = e.optOuts.ListOptOuts(ctx, e.filter, e.page)
	if len(e.rows) > 0 {
		e.page.After = e.rows[len(e.rows)-1].ID
	}
	return err
}

type optOutFile struct {
	*optOutExport

	ctx context.Context //nolint:containedctx // of the request: the generated interface has none
}

// VisitExportOptOutsResponse streams the file. An error after the first byte aborts the connection, so that the client does not
// take a part for the whole.
func (f optOutFile) VisitExportOptOutsResponse(w http.ResponseWriter) error {
	name := "opt-outs-" + f.now().UTC().Format("20060102-150405") + ".csv"
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.WriteHeader(http.StatusOK)
	if err := f.write(f.ctx, w); err != nil {
		level := slog.LevelError
		if f.ctx.Err() != nil { // the client has disconnected
			level = slog.LevelInfo
		}
		f.log.Log(f.ctx, level, "export of opt-outs aborted", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (e *optOutExport) write(ctx context.Context, w http.ResponseWriter) error {
	control, file := http.NewResponseController(w), csv.NewWriter(w)
	file.UseCRLF = true // RFC 4180
	err := file.Write([]string{
		"to", "category", "since", "source", "channel", "provider", "account", "code", "send", "note", "stored_at",
	})
	for err == nil {
		if err := control.SetWriteDeadline(time.Now().Add(exportTimeout)); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		for _, o := range e.rows {
			_ = file.Write([]string{ // Error has its error
				o.To, string(o.Category), exportTime(&o.Since), string(o.Source), string(o.Channel), o.Provider,
				plainText(o.Account), plainText(o.Code), o.Send, plainText(o.Note), exportTime(&o.StoredAt),
			})
		}
		file.Flush()
		if err := cmp.Or(file.Error(), control.Flush()); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		if !e.more {
			return nil
		}
		err = e.load(ctx)
	}
	return err
}
