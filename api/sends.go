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
	key, err := idempotencyOf(r)
	if err != nil {
		return nil, err
	}
	if key != nil { // first, because a repeated request may no longer be valid, such as one whose expires_at has passed
		send, found, err := s.handoff.Accepted(ctx, *key)
		if err != nil {
			return nil, err
		}
		if found {
			return showAccepted(send), nil
		}
	}
	send, err := s.resolveSend(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	if send, _, err = s.handoff.Accept(ctx, send, key); err != nil {
		return nil, err
	}
	return showAccepted(send), nil
}

// idempotencyOf returns the caller's idempotency key with a digest of the parsed body, or nil without a key. White space and the
// order of names do not change the digest.
func idempotencyOf(r CreateSendRequestObject) (*handoff.Idempotency, error) {
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

// resolveSend validates the input and returns the send with its country and its plan: the rules of the policy that apply to it.
func (s *server) resolveSend(ctx context.Context, in SendInput) (backstop.Send, error) {
	send := sendFrom(in)
	country, err := backstop.CountryOf(in.To)
	if err := mergeInvalid(err, send.Validate(s.now())); err != nil {
		return backstop.Send{}, err
	}
	send.Country = country
	policy, err := s.policies.Policy(ctx, canonicalID(in.Fallback.PolicyID))
	if backstop.CodeOf(err) == backstop.NotFound {
		return backstop.Send{}, &backstop.Error{
			Code: backstop.Invalid, Message: "the send is not valid", Cause: err,
			Fields: []backstop.Field{{Name: "fallback.policy_id", Reason: "no policy has this id: see GET /v1/policies"}},
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
		To: in.To, Text: orZero(in.Whatsapp.Text), SMSText: in.Fallback.Text,
		Category: backstop.Category(orZero(in.Category)), ExpiresAt: inUTC(in.ExpiresAt),
	}
	if t := in.Whatsapp.Template; t != nil {
		send.Template = &backstop.Template{Name: t.Name, Language: t.Language, Components: t.Components}
	}
	return send
}

// showAccepted returns the answer to a send. It uses only what does not change after the acceptance, so a repeated request gets
// the same answer at any time.
func showAccepted(send backstop.Send) CreateSend202JSONResponse {
	return CreateSend202JSONResponse{
		Body: SendAccepted{
			ID: send.ID, Outcome: OutcomePending, AcceptedAt: send.AcceptedAt.UTC(), Warnings: omitEmpty(warningsOf(send)),
		},
		Headers: CreateSend202ResponseHeaders{Location: "/v1/sends/" + send.ID},
	}
}

// GetSend answers GET /v1/sends/{id}.
func (s *server) GetSend(ctx context.Context, r GetSendRequestObject) (GetSendResponseObject, error) {
	send, err := s.loadSend(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return GetSend200JSONResponse(send), nil
}

// loadSend loads a send with its timeline and returns it in the API's form.
func (s *server) loadSend(ctx context.Context, id string) (Send, error) {
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
