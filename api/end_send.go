package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// CancelSend answers POST /v1/sends/{id}/cancel.
func (s *server) CancelSend(ctx context.Context, r CancelSendRequestObject) (CancelSendResponseObject, error) {
	id := canonicalID(r.ID)
	if err := s.checkSees(ctx, id); err != nil {
		return nil, err
	}
	cancelled := s.handoff.Cancel(ctx, id)
	if cancelled != nil && backstop.CodeOf(cancelled) != backstop.Conflict {
		return nil, cancelled
	}
	send, err := s.loadEnded(ctx, id)
	if err != nil {
		return nil, err
	}
	if cancelled != nil {
		return nil, &lateError{err: cancelled, send: send}
	}
	return CancelSend200JSONResponse(send), nil
}

// ConfirmSend answers POST /v1/sends/{id}/confirm.
func (s *server) ConfirmSend(ctx context.Context, r ConfirmSendRequestObject) (ConfirmSendResponseObject, error) {
	id := canonicalID(r.ID)
	if err := s.checkSees(ctx, id); err != nil {
		return nil, err
	}
	if err := s.handoff.Confirm(ctx, id); err != nil {
		return nil, err
	}
	send, err := s.loadEnded(ctx, id)
	if err != nil {
		return nil, err
	}
	return ConfirmSend200JSONResponse(send), nil
}

// loadEnded loads a send with what the caller may read of it. A key that may only write sees no person.
func (s *server) loadEnded(ctx context.Context, id string) (Send, error) {
	send, err := s.loadSend(ctx, id)
	if err != nil || keyOf(ctx).Has(backstop.ScopeSendsRead) {
		return send, err
	}
	send.To, send.Metadata = backstop.Mask(send.To), nil
	for i := range send.Attempts {
		send.Attempts[i].MessageID = nil // it may contain the number
	}
	return send, nil
}

// lateError is an error of code Conflict: the state of a send no longer allows a change. The problem document shows that state.
type lateError struct {
	err  error
	send Send
}

func (e *lateError) Error() string { return e.err.Error() }

func (e *lateError) Unwrap() error { return e.err }
