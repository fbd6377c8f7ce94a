package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// CreateSend answers POST /v1/sends.
func (s *server) CreateSend(ctx context.Context, r CreateSendRequestObject) (CreateSendResponseObject, error) {
	key, err := idempotency(r)
	if err != nil {
		return nil, err
	}
	if key != nil { // asked first, because what was valid then need not be valid now
		send, found, err := s.handoff.Accepted(ctx, *key)
		if err != nil {
			return nil, err
		}
		if found {
			return accepted(send), nil
		}
	}
	send, err := s.resolve(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	if send, _, err = s.handoff.Accept(ctx, send, key); err != nil {
		return nil, err
	}
	return accepted(send), nil
}

// idempotency returns the caller's key with a digest of the body as it was understood, so that spaces and the order
// of names make no difference; nil without a key.
func idempotency(r CreateSendRequestObject) (*handoff.Idempotency, error) {
	if r.Params.IdempotencyKey == nil {
		return nil, nil //nolint:nilnil // no key and no error: a send without one is fine
	}
	body, err := json.Marshal(r.Body)
	if err != nil {
		return nil, fmt.Errorf("digest the body: %w", err)
	}
	digest := sha256.Sum256(body)
	return &handoff.Idempotency{Key: *r.Params.IdempotencyKey, Hash: digest[:]}, nil
}

// resolve checks what the caller gave and works out the rules that hold for this send.
func (s *server) resolve(ctx context.Context, in SendInput) (backstop.Send, error) {
	send := sendFrom(in)
	country, err := backstop.CountryOf(in.To)
	if err := invalid(err, send.Validate(s.now())); err != nil {
		return backstop.Send{}, err
	}
	send.Country = country
	policy, err := s.policies.Policy(ctx, canonical(in.Fallback.PolicyID))
	if backstop.CodeOf(err) == backstop.NotFound {
		return backstop.Send{}, &backstop.Error{
			Code: backstop.Invalid, Message: "the send is not valid", Cause: err,
			Fields: []backstop.Field{{Name: "fallback.policy_id", Reason: "names no policy"}},
		}
	}
	if err != nil {
		return backstop.Send{}, err
	}
	send.Plan, err = policy.Resolve(country, backstop.Override{
		Type: (*backstop.RuleType)(in.Fallback.Type), WaitSeconds: in.Fallback.WaitSeconds, SendID: in.Fallback.SendID,
	})
	return send, err
}

func sendFrom(in SendInput) backstop.Send {
	send := backstop.Send{
		To: in.To, Text: value(in.Whatsapp.Text), SMSText: in.Fallback.Text,
		Category: backstop.Category(value(in.Category)), ExpiresAt: utc(in.ExpiresAt),
	}
	if t := in.Whatsapp.Template; t != nil {
		send.Template = &backstop.Template{Name: t.Name, Language: t.Language, Components: t.Components}
	}
	return send
}

// accepted is the answer to a send. It says what was true when the send was accepted, so that a repeated request
// gets the same answer however far the send has come.
func accepted(send backstop.Send) CreateSend202JSONResponse {
	return CreateSend202JSONResponse{
		Body: SendAccepted{
			ID: send.ID, Outcome: OutcomePending, AcceptedAt: send.AcceptedAt.UTC(), Warnings: listed(warnings(send)),
		},
		Headers: CreateSend202ResponseHeaders{Location: "/v1/sends/" + send.ID},
	}
}

// GetSend answers GET /v1/sends/{id}.
func (s *server) GetSend(ctx context.Context, r GetSendRequestObject) (GetSendResponseObject, error) {
	send, err := s.readSend(ctx, canonical(r.ID))
	if err != nil {
		return nil, err
	}
	return GetSend200JSONResponse(send), nil
}

// readSend returns a send as the API shows it.
func (s *server) readSend(ctx context.Context, id string) (Send, error) {
	send, err := s.sends.Send(ctx, id)
	if err != nil {
		return Send{}, err
	}
	attempts, events, err := s.sends.Timeline(ctx, send.ID)
	if err != nil {
		return Send{}, err
	}
	return showSend(send, attempts, events, s.now()), nil
}

// ListSends answers GET /v1/sends.
func (s *server) ListSends(ctx context.Context, r ListSendsRequestObject) (ListSendsResponseObject, error) {
	page, err := page(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	if err := backstop.ValidateRange(r.Params.From, r.Params.Until); err != nil {
		return nil, err
	}
	sends, more, err := s.sends.ListSends(ctx, backstop.SendFilter{
		Outcome:  backstop.Outcome(value(r.Params.Outcome)),
		PolicyID: canonical(value(r.Params.PolicyID)),
		To:       value(r.Params.To),
		From:     value(r.Params.From),
		Until:    value(r.Params.Until),
	}, page)
	if err != nil {
		return nil, err
	}
	return ListSends200JSONResponse{
		Items:      showAll(sends, showSummary),
		NextCursor: nextCursor(more, func() string { return sends[len(sends)-1].ID }),
	}, nil
}
