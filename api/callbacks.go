package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
)

// maxReplayed bounds the callbacks that one request replays, and maxEndpoints the endpoints of the list.
const (
	maxReplayed  = 1000
	maxEndpoints = 200
)

// CallbackSettings are how the sends that are accepted from now on are called back.
type CallbackSettings struct {
	Default  *backstop.Callback     // of a send without one; nil: it has none
	CheckURL func(url string) error // fails, with a text for the caller, for an address that is not allowed; nil: all are
}

// callbackOf returns the callback of an accepted send: that of the input, of the API key, or of the configuration.
func (s *server) callbackOf(ctx context.Context, in *CallbackInput) (*backstop.Callback, error) {
	if in == nil {
		if key := keyOf(ctx); key.Callback != nil && s.callbackSettings != nil {
			return key.Callback, nil
		}
		if s.callbackSettings == nil {
			return nil, nil //nolint:nilnil // the send then has no callback
		}
		return s.callbackSettings.Default, nil
	}
	c := &backstop.Callback{URL: in.URL, Events: convertAll[backstop.CallbackEvent](orZero(in.Events))}
	return c, s.checkCallback(c)
}

// checkCallback returns an Error of code Invalid if callbacks are off, or the URL is not allowed.
func (s *server) checkCallback(c *backstop.Callback) error {
	if s.callbackSettings == nil {
		return invalidCallback("callback", backstop.FieldCallbacksOff,
			"is not possible: the configuration of this installation has no secret to sign callbacks")
	}
	isValid := c.Validate("callback.") == nil // if not, Send.Validate names the wrong fields
	if !isValid || s.callbackSettings.CheckURL == nil {
		return nil
	}
	if err := s.callbackSettings.CheckURL(c.URL); err != nil {
		return invalidCallback("callback.url", backstop.FieldRefused, err.Error(), "reason", err.Error())
	}
	return nil
}

func invalidCallback(field string, code backstop.FieldCode, reason string, params ...string) error {
	return &backstop.Error{
		Code: backstop.Invalid, Message: "the send is not valid",
		Fields: []backstop.Field{backstop.NewField(field, code, reason, params...)},
	}
}

func showCallbackTarget(c *backstop.Callback) *CallbackTarget {
	if c == nil {
		return nil
	}
	return &CallbackTarget{URL: c.URL, Events: omitEmpty(convertAll[CallbackEvent](c.Events))}
}

// ListCallbacks answers GET /v1/callbacks.
func (s *server) ListCallbacks(ctx context.Context, r ListCallbacksRequestObject) (ListCallbacksResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	if err := backstop.ValidateRange(r.Params.From, r.Params.Until); err != nil {
		return nil, err
	}
	filter := backstop.CallbackFilter{
		Send: canonicalID(orZero(r.Params.Send)), State: backstop.CallbackState(orZero(r.Params.State)),
		URL: orZero(r.Params.URL), Status: r.Params.Status, From: orZero(r.Params.From), Until: orZero(r.Params.Until),
	}
	callbacks, more, err := s.callbacks.ListCallbacks(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	list := CallbackList{
		Items:      showAll(callbacks, showCallback),
		NextCursor: nextCursor(more, func() string { return callbacks[len(callbacks)-1].ID }),
	}
	list.Total, err = countIf(r.Params.Total, func() (backstop.Total, error) { return s.callbacks.CountCallbacks(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListCallbacks200JSONResponse(list), nil
}

// GetCallback answers GET /v1/callbacks/{id}.
func (s *server) GetCallback(ctx context.Context, r GetCallbackRequestObject) (GetCallbackResponseObject, error) {
	c, tries, err := s.callbacks.Callback(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return GetCallback200JSONResponse{Callback: showCallback(c), Tries: showAll(tries, showTry)}, nil
}

// ReplayCallback answers POST /v1/callbacks/{id}/replay.
func (s *server) ReplayCallback(ctx context.Context, r ReplayCallbackRequestObject) (ReplayCallbackResponseObject, error) {
	c, err := s.callbacks.ReplayCallback(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return ReplayCallback202JSONResponse(showCallback(c)), nil
}

// ReplayCallbacks answers POST /v1/callbacks/replay.
func (s *server) ReplayCallbacks(ctx context.Context, r ReplayCallbacksRequestObject) (ReplayCallbacksResponseObject, error) {
	in := *r.Body
	if in.Send == nil && in.URL == nil && in.State == nil && in.From == nil && in.Until == nil {
		return nil, &backstop.Error{
			Code: backstop.Invalid, Message: "the request names no callbacks",
			Fields: []backstop.Field{backstop.NewField(
				"send", backstop.FieldRequired, "is required, or another field that selects callbacks")},
		}
	}
	if err := backstop.ValidateRange(in.From, in.Until); err != nil {
		return nil, err
	}
	page, err := readPage(in.Cursor, nil, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	filter := backstop.CallbackFilter{
		Send: canonicalID(orZero(in.Send)), State: backstop.CallbackState(orZero(in.State)), URL: orZero(in.URL),
		From: orZero(in.From), Until: orZero(in.Until),
	}
	replayed, last, err := s.callbacks.ReplayCallbacks(ctx, filter, page.After, maxReplayed)
	if err != nil {
		return nil, err
	}
	return ReplayCallbacks202JSONResponse{
		Replayed: replayed, NextCursor: nextCursor(last != "", func() string { return last }),
	}, nil
}

// ListCallbackEndpoints answers GET /v1/callback-endpoints.
func (s *server) ListCallbackEndpoints(
	ctx context.Context, _ ListCallbackEndpointsRequestObject,
) (ListCallbackEndpointsResponseObject, error) {
	endpoints, err := s.callbacks.FailingEndpoints(ctx, maxEndpoints)
	if err != nil {
		return nil, err
	}
	return ListCallbackEndpoints200JSONResponse{Items: showAll(endpoints, showEndpoint)}, nil
}

func showCallback(c backstop.QueuedCallback) Callback {
	shown := Callback{
		ID: c.ID, Send: c.Send, Seq: c.Seq, Event: CallbackEvent(c.Event), URL: c.URL, State: CallbackState(c.State),
		CreatedAt: c.CreatedAt.UTC(), QueuedAt: c.QueuedAt.UTC(), EndedAt: inUTC(c.EndedAt), Tries: c.Tries,
	}
	if c.Newest != nil {
		shown.NewestTry = new(showTry(*c.Newest))
	}
	return shown
}

func showTry(t backstop.CallbackTry) CallbackTry {
	return CallbackTry{
		Number: t.Number, At: t.At.UTC(), Status: omitZero(t.Status), LatencyMs: float64(t.Latency.Microseconds()) / 1000,
		Answer: omitZero(t.Answer), Error: omitZero(t.Error),
	}
}

func showEndpoint(e backstop.CallbackEndpoint) CallbackEndpoint {
	shown := CallbackEndpoint{
		URL: e.URL, Failures: e.Failures, PausedAt: inUTC(e.PausedAt), RetryAt: inUTC(e.RetryAt), Status: omitZero(e.Status),
		Error: omitZero(e.Error),
	}
	if e.FailingSince != nil {
		shown.FailingSince = e.FailingSince.UTC()
	}
	return shown
}

// CallbackSource reads what a callback carries.
type CallbackSource interface {
	Ledger(ctx context.Context, send string) (*backstop.Ledger, error)
	// NumberedEvents returns the timeline of a send, and the place in it of the event with a number.
	NumberedEvents(ctx context.Context, send string, seq int) (events []backstop.Event, index int, err error)
	Now() time.Time
}

// WriteCallback returns the body of a callback: the event, and its send as GET /v1/sends/{id} shows it now. The revision is read
// before the timeline, so a change in between is in a later callback too.
func WriteCallback(ctx context.Context, from CallbackSource, c backstop.QueuedCallback) ([]byte, error) {
	l, err := from.Ledger(ctx, c.Send)
	if err != nil {
		return nil, fmt.Errorf("read send: %w", err)
	}
	events, index, err := from.NumberedEvents(ctx, c.Send, c.Seq)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	send := showSend(l.Send, l.Attempts, events, from.Now())
	event := events[index]
	body := CallbackBody{Type: CallbackEvent(c.Event), Timestamp: event.At.UTC(), Data: CallbackData{
		Seq: c.Seq, Event: send.Events[index], Rule: showFiredRule(l.Send, event), Revision: l.Revision, Send: send,
	}}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write callback: %w", err)
	}
	return text, nil
}

// showFiredRule shows the rule of an event that says that it fired.
func showFiredRule(s backstop.Send, e backstop.Event) *CallbackRule {
	if e.Kind != backstop.EventFired {
		return nil
	}
	shown := &CallbackRule{
		Name: e.Rule, Cause: omitZero(FallbackReason(e.Cause)), Reason: omitZero(e.Detail),
		WaitedSeconds: max(e.At.Sub(s.Origin()), 0).Seconds(),
	}
	for _, rule := range s.Plan.Rules {
		if rule.Name == e.Rule {
			shown.Type = new(RuleType(rule.Type))
		}
	}
	return shown
}
