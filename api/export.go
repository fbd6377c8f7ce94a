package api

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
)

const (
	exportPage    = 1000             // rows that are read at once
	exportTimeout = 30 * time.Second // for the client to take what was written of one page
)

// ExportSends answers GET /v1/sends.csv. It reads the first page before it answers, so that a bad filter and a database that is
// away have a status of their own.
func (s *server) ExportSends(ctx context.Context, r ExportSendsRequestObject) (ExportSendsResponseObject, error) {
	p := r.Params
	filter, err := sendFilter(ctx, ListSendsParams{
		Outcome: p.Outcome, PolicyID: p.PolicyID, To: p.To, ToEnds: p.ToEnds, From: p.From, Until: p.Until,
		Scheduled: p.Scheduled, FellBack: p.FellBack, Averted: p.Averted, Duplicate: p.Duplicate, Reason: p.Reason,
		Rule: p.Rule, RuleType: p.RuleType,
		Country: p.Country, Sender: p.Sender, Route: p.Route, SmsResult: p.SmsResult, Provider: p.Provider, Code: p.Code,
		CorrelationID: p.CorrelationID, OwnRules: p.OwnRules, Test: p.Test,
	})
	if err != nil {
		return nil, err
	}
	e := &export{server: s, filter: filter, page: backstop.Page{Limit: exportPage, Sort: orderOf(p.Order)}}
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	return exportResponse{server: s, ctx: ctx, export: e}, nil
}

// export reads the sends of a file page by page. A send that is accepted or changes meanwhile may be in the file or not; every
// other send that fits is in it once.
type export struct {
	*server

	filter backstop.SendFilter
	page   backstop.Page

	rows []backstop.Send
	more bool
}

func (e *export) load(ctx context.Context) (err error) {
	e.rows, e.more, err = e.sends.ListSends(ctx, e.filter, e.page)
	if len(e.rows) > 0 {
		e.page.After = e.rows[len(e.rows)-1].ID
	}
	return err
}

type exportResponse struct {
	*server

	ctx    context.Context //nolint:containedctx // of the request: the generated interface has none
	export *export
}

// VisitExportSendsResponse streams the file. An error after the first byte aborts the connection, so that the client does not
// take a part for the whole.
func (r exportResponse) VisitExportSendsResponse(w http.ResponseWriter) error {
	name := "sends-" + r.now().UTC().Format("20060102-150405") + ".csv"
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.WriteHeader(http.StatusOK)
	if err := r.export.write(r.ctx, w); err != nil {
		level := slog.LevelError
		if r.ctx.Err() != nil { // the client has disconnected
			level = slog.LevelInfo
		}
		r.log.Log(r.ctx, level, "export aborted", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (e *export) write(ctx context.Context, w http.ResponseWriter) error {
	control, file := http.NewResponseController(w), csv.NewWriter(w)
	file.UseCRLF = true // RFC 4180
	err := file.Write(exportNames())
	for err == nil {
		if err := control.SetWriteDeadline(time.Now().Add(exportTimeout)); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		for _, send := range e.rows {
			_ = file.Write(exportRow(send)) // Error has its error
		}
		file.Flush()
		if err := cmp.Or(file.Error(), control.Flush()); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		if !e.more {
			return nil
		}
		if _, err = e.readmit(ctx); err == nil {
			err = e.load(ctx)
		}
	}
	return err
}

func exportNames() []string {
	return []string{
		"id", "accepted_at", "to", "country", "category", "policy_id", "policy_name", "outcome", "whatsapp_status", "sms_status",
		"fired_rule", "fallback_reason", "sms_sender", "duplicate_delivery", "delivered_at", "delivered_by", "finished_at",
		"confirmed_at",
		"correlation_id", "metadata",
		"send_at", "started_at",
	}
}

func exportRow(s backstop.Send) []string {
	sender := ""
	for _, rule := range s.Plan.Rules {
		if s.Fired != "" && rule.Name == s.Fired {
			sender = rule.SendID
		}
	}
	return []string{
		s.ID, exportTime(&s.AcceptedAt), s.To, s.Country, string(s.Category), s.Plan.PolicyID, plainText(s.Plan.PolicyName),
		string(s.Outcome), string(s.Status.WhatsApp), string(s.Status.SMS), plainText(s.Fired), string(s.FallbackReason),
		plainText(sender), strconv.FormatBool(s.DuplicateDelivery), exportTime(s.DeliveredAt), string(s.DeliveredBy),
		exportTime(s.FinishedAt), exportTime(s.ConfirmedAt), plainText(s.CorrelationID), exportMetadata(s.Metadata),
		exportTime(s.SendAt), exportTime(s.StartedAt),
	}
}

// exportMetadata returns the pairs as a JSON object, or nothing if there are none.
func exportMetadata(pairs map[string]string) string {
	if len(pairs) == 0 {
		return ""
	}
	text, err := json.Marshal(pairs)
	if err != nil { // a map of texts
		return ""
	}
	return string(text)
}

func exportTime(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// plainText puts an apostrophe before a name that a spreadsheet would run as a formula (OWASP, "CSV Injection").
func plainText(name string) string {
	if name != "" && strings.ContainsAny(name[:1], "=+-@\t\r") {
		return "'" + name
	}
	return name
}
