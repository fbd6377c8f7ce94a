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

// csvFile streams a list as a CSV file.
type csvFile struct {
	*server

	ctx     context.Context //nolint:containedctx // of the request: the generated interface has none
	name    string
	columns []string
	rows    func(yield func([][]string) error) error // calls yield with the rows of each page
}

// csvSource is where the rows of a file come from.
type csvSource[T any] struct {
	Page backstop.Page // the first one
	List func(ctx context.Context, page backstop.Page) (items []T, more bool, err error)
	ID   func(T) string
	Row  func(T) []string
}

// newCSVFile reads the first page before it returns, so that an error has a status of its own. An item that is added or removed
// meanwhile may be in the file or not.
func newCSVFile[T any](
	ctx context.Context, s *server, name string, columns []string, of csvSource[T],
) (csvFile, error) {
	items, more, err := of.List(ctx, of.Page)
	if err != nil {
		return csvFile{}, err
	}
	return csvFile{server: s, ctx: ctx, name: name, columns: columns, rows: func(yield func([][]string) error) error {
		for {
			if err := yield(showAll(items, of.Row)); err != nil || !more {
				return err
			}
			if _, err := s.readmit(ctx); err != nil {
				return err
			}
			of.Page.After = of.ID(items[len(items)-1])
			if items, more, err = of.List(ctx, of.Page); err != nil {
				return err
			}
		}
	}}, nil
}

// write streams the file. An error after the first byte aborts the connection, so that the client does not take a part for the
// whole.
func (f csvFile) write(w http.ResponseWriter) error {
	name := f.name + "-" + f.now().UTC().Format("20060102-150405") + ".csv"
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.WriteHeader(http.StatusOK)
	control, file := http.NewResponseController(w), csv.NewWriter(w)
	file.UseCRLF = true       // RFC 4180
	_ = file.Write(f.columns) // Error has its error
	err := f.rows(func(rows [][]string) error {
		if err := control.SetWriteDeadline(time.Now().Add(exportTimeout)); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		_ = file.WriteAll(rows) // Error has its error
		if err := cmp.Or(file.Error(), control.Flush()); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		return nil
	})
	if err != nil {
		f.abortExport(f.ctx, f.name, err)
	}
	return nil
}

// abortExport closes the connection of a file that cannot be written to its end.
func (s *server) abortExport(ctx context.Context, name string, err error) {
	level := slog.LevelError
	if ctx.Err() != nil { // the client has disconnected
		level = slog.LevelInfo
	}
	s.log.Log(ctx, level, "export aborted", "file", name, "error", err)
	panic(http.ErrAbortHandler)
}
