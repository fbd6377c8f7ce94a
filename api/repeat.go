package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// RepeatSend answers POST /v1/sends/{id}/repeat.
func (s *server) RepeatSend(ctx context.Context, r RepeatSendRequestObject) (RepeatSendResponseObject, error) {
	id := canonicalID(r.ID)
	if err := s.checkSees(ctx, id); err != nil {
		return nil, err
	}
	request := map[string]string{"repeat": id} // no body of POST /v1/sends is like this
	key, err := idempotencyOf(ctx, r.Params.IdempotencyKey, request)
	if err != nil {
		return nil, err
	}
	accepted, err := s.acceptOnce(ctx, key, true, func() (backstop.Send, error) { return s.resolveRepeat(ctx, id) })
	if err != nil {
		return nil, err
	}
	return RepeatSend202JSONResponse{
		Body: accepted, Headers: RepeatSend202ResponseHeaders{Location: "/v1/sends/" + accepted.ID},
	}, nil
}

// resolveRepeat returns a new send with the content of a stored one, by the present rules of its policy, or by its own. It starts
// at once.
func (s *server) resolveRepeat(ctx context.Context, id string) (backstop.Send, error) {
	old, err := s.findSend(ctx, id)
	if err != nil {
		return backstop.Send{}, err
	}
	if old.ContentRemovedAt != nil || !old.HasNumber() {
		return backstop.Send{}, &backstop.Error{
			Code: backstop.Conflict, Message: "the content or the number of this send was removed: it cannot be repeated",
		}
	}
	if old.Unreadable != "" {
		return backstop.Send{}, &backstop.Error{
			Code: backstop.TryLater, Message: "the content of this send cannot be read: " + old.Unreadable,
		}
	}
	send := backstop.Send{
		To: old.To, Text: old.Text, Template: old.Template, SMSText: old.SMSText, Category: old.Category, Message: old.Message,
		CorrelationID: old.CorrelationID, Metadata: old.Metadata, // what is unique stays with the old one
		IsTest: old.IsTest || keyOf(ctx).IsTest(),
	}
	if s.callbackSettings != nil {
		send.Callback = old.Callback
	}
	if old.ExpiresAt != nil {
		begin := old.AcceptedAt
		if old.SendAt != nil { // not its turn, which may have come after ExpiresAt
			begin = *old.SendAt
		}
		send.ExpiresAt = new(s.now().Add(old.ExpiresAt.Sub(begin)))
	}
	return s.resolveSend(ctx, send, old.Plan.RuleSource(), orZero(old.Plan.Override))
}
