package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
)

const (
	maxEnded   = 100 // sends that one request ends
	endsAtOnce = 8
)

// CancelSends answers POST /v1/sends/cancel.
func (s *server) CancelSends(ctx context.Context, r CancelSendsRequestObject) (CancelSendsResponseObject, error) {
	ended, err := s.endSends(ctx, r.Body.CorrelationID, s.handoff.Cancel)
	if err != nil {
		return nil, err
	}
	return CancelSends200JSONResponse(ended), nil
}

// ConfirmSends answers POST /v1/sends/confirm.
func (s *server) ConfirmSends(ctx context.Context, r ConfirmSendsRequestObject) (ConfirmSendsResponseObject, error) {
	ended, err := s.endSends(ctx, r.Body.CorrelationID, s.handoff.Confirm)
	if err != nil {
		return nil, err
	}
	return ConfirmSends200JSONResponse(ended), nil
}

// endSends ends the sends of a CorrelationID. If one fails for another reason than its state, so does the request. The caller
// repeats it: what has ended stays ended.
func (s *server) endSends(
	ctx context.Context, correlationID string, end func(context.Context, string) error,
) (EndedSends, error) {
	sends, more, err := s.sendsToEnd(ctx, correlationID)
	if err != nil {
		return EndedSends{}, err
	}
	if len(sends) == 0 {
		return EndedSends{}, &backstop.Error{Code: backstop.NotFound, Message: "no send has this correlation_id"}
	}
	items := make([]EndedSend, len(sends))
	var group errgroup.Group
	group.SetLimit(endsAtOnce)
	for i, send := range sends {
		group.Go(func() (err error) {
			items[i], err = s.endOne(ctx, send.ID, end)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return EndedSends{}, fmt.Errorf("end sends: %w", err)
	}
	return EndedSends{Items: items, MoreSends: more}, nil
}

// sendsToEnd returns the newest sends of a CorrelationID, and first the sends that have not ended. more reports whether there are
// other sends that have not ended.
func (s *server) sendsToEnd(ctx context.Context, correlationID string) (sends []backstop.Send, more bool, err error) {
	open := backstop.SendFilter{
		IsTest: keyOf(ctx).IsTest(), CorrelationID: correlationID, Outcomes: []backstop.Outcome{backstop.OutcomePending},
	}
	sends, more, err = s.listSeen(ctx, open, maxEnded)
	if err != nil || len(sends) == maxEnded {
		return sends, more, err
	}
	ended := open
	ended.Outcomes = slices.DeleteFunc(backstop.Outcomes(), func(o backstop.Outcome) bool { return o == backstop.OutcomePending })
	others, _, err := s.listSeen(ctx, ended, maxEnded-len(sends))
	// A send that ended between the two lists is in both.
	others = slices.DeleteFunc(others, func(o backstop.Send) bool {
		return slices.ContainsFunc(sends, func(s backstop.Send) bool { return s.ID == o.ID })
	})
	return append(sends, others...), false, err
}

// listSeen lists the newest sends that the key of the request sees. A list is of one policy, so a key with several needs several.
func (s *server) listSeen(
	ctx context.Context, f backstop.SendFilter, limit int,
) (sends []backstop.Send, more bool, err error) {
	policies := keyOf(ctx).Policies
	if len(policies) == 0 {
		policies = []string{""}
	}
	for _, f.PolicyID = range policies {
		found, further, err := s.sends.ListSends(ctx, f, backstop.Page{Limit: limit})
		if err != nil {
			return nil, false, err
		}
		sends, more = append(sends, found...), more || further
	}
	slices.SortFunc(sends, func(a, b backstop.Send) int { return strings.Compare(b.ID, a.ID) })
	return sends[:min(len(sends), limit)], more || len(sends) > limit, nil
}

func (s *server) endOne(ctx context.Context, id string, end func(context.Context, string) error) (EndedSend, error) {
	shown := EndedSend{Result: EndedSendResultDone}
	if err := end(ctx, id); err != nil {
		refused, ok := errors.AsType[*backstop.Error](err)
		if !ok || refused.Code != backstop.Conflict {
			return EndedSend{}, err
		}
		shown.Result, shown.Reason = EndedSendResultTooLate, &refused.Message
	}
	send, err := s.sends.Send(ctx, id)
	if err != nil {
		return EndedSend{}, err
	}
	if shown.Send = showSummary(send); !keyOf(ctx).Has(backstop.ScopeSendsRead) {
		shown.Send.To, shown.Send.Metadata = backstop.Mask(send.To), nil
	}
	return shown, nil
}
