package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// ListOptOuts answers GET /v1/opt-outs.
func (s *server) ListOptOuts(ctx context.Context, r ListOptOutsRequestObject) (ListOptOutsResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	filter := optOutFilter(r.Params.To, r.Params.ToEnds, r.Params.Category, r.Params.Source)
	entries, more, err := s.optOuts.ListOptOuts(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	list := OptOutList{
		Items:      showAll(entries, showOptOut),
		NextCursor: nextCursor(more, func() string { return entries[len(entries)-1].ID }),
	}
	list.Total, err = countIf(r.Params.Total, func() (backstop.Total, error) { return s.optOuts.CountOptOuts(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListOptOuts200JSONResponse(list), nil
}

func optOutFilter(to, toEnds *string, category *OptOutCategory, source *OptOutSource) backstop.OptOutFilter {
	return backstop.OptOutFilter{
		To: orZero(to), ToEnds: orZero(toEnds), Category: backstop.OptOutCategory(orZero(category)),
		Source: backstop.OptOutSource(orZero(source)),
	}
}

// PutOptOut answers PUT /v1/opt-outs.
func (s *server) PutOptOut(ctx context.Context, r PutOptOutRequestObject) (PutOptOutResponseObject, error) {
	entry := backstop.OptOut{
		To: r.Body.To, Category: backstop.OptOutAll,
		OptOutOrigin: backstop.OptOutOrigin{Source: editorOf(ctx), Note: orZero(r.Body.Note)},
	}
	if r.Body.Category != nil {
		entry.Category = backstop.OptOutCategory(*r.Body.Category)
	}
	if err := entry.Validate(s.now()); err != nil {
		return nil, err
	}
	stored, err := s.optOuts.PutOptOut(ctx, entry)
	if err != nil {
		return nil, err
	}
	return PutOptOut200JSONResponse(showOptOut(stored)), nil
}

// DeleteOptOut answers DELETE /v1/opt-outs.
func (s *server) DeleteOptOut(ctx context.Context, r DeleteOptOutRequestObject) (DeleteOptOutResponseObject, error) {
	origin := backstop.OptOutOrigin{Source: editorOf(ctx)}
	err := s.optOuts.DeleteOptOut(ctx, r.Params.To, backstop.OptOutCategory(r.Params.Category), origin)
	if err != nil {
		return nil, err
	}
	return DeleteOptOut204Response{}, nil
}

// editorOf returns who makes a change: a user of the console has a session, and a program has a key.
func editorOf(ctx context.Context) backstop.OptOutSource {
	if c, ok := ctx.(*gin.Context); ok && c.GetHeader("Authorization") == "" {
		return backstop.ByConsole
	}
	return backstop.ByAPI
}

// ListOptOutChanges answers GET /v1/opt-outs/history.
func (s *server) ListOptOutChanges(
	ctx context.Context, r ListOptOutChangesRequestObject,
) (ListOptOutChangesResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	changes, more, err := s.optOuts.OptOutChanges(ctx, r.Params.To, page)
	if err != nil {
		return nil, err
	}
	return ListOptOutChanges200JSONResponse{
		Items:      showAll(changes, showOptOutChange),
		NextCursor: nextCursor(more, func() string { return changes[len(changes)-1].ID }),
	}, nil
}

func showOptOut(o backstop.OptOut) OptOut {
	return OptOut{
		ID: o.ID, To: o.To, Category: OptOutCategory(o.Category), Since: o.Since.UTC(), Source: OptOutSource(o.Source),
		Channel: omitZero(Channel(o.Channel)), Provider: omitZero(o.Provider), Account: omitZero(o.Account),
		Code: omitZero(o.Code), Send: omitZero(o.Send), Note: omitZero(o.Note), StoredAt: o.StoredAt.UTC(),
	}
}

func showOptOutChange(c backstop.OptOutChange) OptOutChange {
	change := OptOutChangeChangeOptedIn
	if c.IsOut {
		change = OptOutChangeChangeOptedOut
	}
	return OptOutChange{
		ID: c.ID, To: c.To, Category: OptOutCategory(c.Category), Change: change, At: c.At.UTC(),
		Source: OptOutSource(c.Source), Channel: omitZero(Channel(c.Channel)), Provider: omitZero(c.Provider),
		Account: omitZero(c.Account), Code: omitZero(c.Code), Send: omitZero(c.Send), Note: omitZero(c.Note),
		StoredAt: c.StoredAt.UTC(),
	}
}

// previewOptOut returns the warning of a send that would be skipped, or the error of one that would be refused, because the
// recipient has opted out.
func (s *server) previewOptOut(ctx context.Context, send backstop.Send) ([]Warning, error) {
	isOut, err := s.optOuts.IsOptedOut(ctx, send.To, send.Category)
	switch {
	case err != nil:
		return nil, err
	case !isOut:
		return nil, nil
	case !send.SkipsOptedOut():
		return nil, backstop.ErrOptedOut()
	}
	return []Warning{{
		Code:   WarningCodeOptedOut,
		Detail: "the recipient has opted out of such messages: the send ends at once, and nothing goes out",
	}}, nil
}

// skippedOf returns why an accepted send ended at once; nil: it did not.
func skippedOf(send backstop.Send) *SendAcceptedSkipped {
	if !send.IsSkipped() {
		return nil
	}
	return new(SendAcceptedSkippedOptedOut)
}

// outcomeAtOnce returns the outcome that a send had when it was accepted.
func outcomeAtOnce(send backstop.Send) Outcome {
	if send.IsSkipped() {
		return Outcome(send.Outcome)
	}
	return OutcomePending
}

// optOutTime returns the time of a column; zero for an empty one.
func optOutTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}
