package api

import (
	"context"
	"net/http"

	"github.com/backstophq/backstop"
)

// ExportOptOuts answers GET /v1/opt-outs.csv.
func (s *server) ExportOptOuts(ctx context.Context, r ExportOptOutsRequestObject) (ExportOptOutsResponseObject, error) {
	p := r.Params
	filter := optOutFilter(p.To, p.ToEnds, p.Category, p.Source)
	file, err := newCSVFile(ctx, s, "opt-outs", optOutNames(), csvSource[backstop.OptOut]{
		Page: backstop.Page{Limit: exportPage}, Row: optOutCSV,
		ID: func(o backstop.OptOut) string { return o.ID },
		List: func(ctx context.Context, page backstop.Page) ([]backstop.OptOut, bool, error) {
			return s.optOuts.ListOptOuts(ctx, filter, page)
		},
	})
	return optOutFile{file}, err
}

func optOutNames() []string {
	return []string{"to", "category", "since", "source", "channel", "provider", "account", "code", "send", "note", "stored_at"}
}

func optOutCSV(o backstop.OptOut) []string {
	return []string{
		o.To, string(o.Category), exportTime(&o.Since), string(o.Source), string(o.Channel), o.Provider,
		plainText(o.Account), plainText(o.Code), o.Send, plainText(o.Note), exportTime(&o.StoredAt),
	}
}

type optOutFile struct{ csvFile }

// VisitExportOptOutsResponse streams the file.
func (f optOutFile) VisitExportOptOutsResponse(w http.ResponseWriter) error { return f.write(w) }
