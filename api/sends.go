package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/traceparent"
)

// CreateSend answers POST /v1/sends.
func (s *server) CreateSend(ctx context.Context, r CreateSendRequestObject) (CreateSendResponseObject, error) {
	if err := checkKeyPolicy(ctx, *r.Body); err != nil {
		return nil, err
	}
	key, err := idempotencyOf(ctx, r.Params.IdempotencyKey, r.Body)
	if err != nil {
		return nil, err
	}
	accepted, err := s.acceptOnce(ctx, key, false, func() (backstop.Send, error) { return s.resolveInput(ctx, *r.Body) })
	if err != nil {
		return nil, err
	}
	return CreateSend202JSONResponse{
		Body: accepted, Headers: CreateSend202ResponseHeaders{Location: "/v1/sends/" + accepted.ID},
	}, nil
}

// acceptOnce accepts the send that resolve returns, or returns the answer of the send that was accepted with the key before. It
// looks for that send first, because a repeated request may no longer be valid, such as one whose expires_at has passed. With
// isRepeat a person wants the content of an earlier send once more.
func (s *server) acceptOnce(
	ctx context.Context, key *handoff.Idempotency, isRepeat bool, resolve func() (backstop.Send, error),
) (SendAccepted, error) {
	if key != nil {
		send, found, err := s.handoff.Accepted(ctx, *key)
		if err != nil || found {
			return showAccepted(send), err
		}
	}
	send, err := resolve()
	if err != nil {
		s.guards.Refused(ctx, send, err, false)
		return SendAccepted{}, err
	}
	send.Traceparent = traceparent.From(ctx)
	send, isSameText, err := s.acceptGuarded(ctx, send, key, isRepeat)
	if err != nil {
		return SendAccepted{}, err
	}
	answer := showAccepted(send)
	answer.SameText = omitZero(isSameText)
	return answer, nil
}

// idempotencyOf returns the caller's idempotency key with a digest of the parsed request, or nil without a key. White space and
// the order of names do not change the digest. A test key makes another request of it: no answer is that of a live send.
func idempotencyOf(ctx context.Context, key *IdempotencyKey, request any) (*handoff.Idempotency, error) {
	if key == nil {
		return nil, nil //nolint:nilnil // no key and no error: a send without one is fine
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("digest the request: %w", err)
	}
	if keyOf(ctx).IsTest() {
		body = append(body, "test"...)
	}
	digest := sha256.Sum256(body)
	return &handoff.Idempotency{Key: *key, Hash: digest[:]}, nil
}

// resolveInput validates the input and returns the send with its final content, its country and its plan.
func (s *server) resolveInput(ctx context.Context, in SendInput) (backstop.Send, error) {
	callback, wrong := s.callbackOf(ctx, in.Callback)
	send, err := s.renderInput(ctx, in)
	if err != nil {
		return backstop.Send{}, mergeInvalid(err, wrong)
	}
	send.Callback, send.IsTest = callback, keyOf(ctx).IsTest()
	override := backstop.Override{
		Type: (*backstop.RuleType)(in.Fallback.Type), WaitSeconds: in.Fallback.WaitSeconds, SendID: in.Fallback.SendID,
		Account: in.Whatsapp.Account, IfUnsendable: backstop.IfUnsendable(orZero(in.Whatsapp.IfUnsendable)),
		IfOptedOut: backstop.IfOptedOut(orZero(in.IfOptedOut)),
		Exclusive:  orZero(in.Fallback.Exclusive),
	}
	if in.Fallback.Routes != nil {
		override.Routes = new(routesFrom(in.Fallback.Routes))
	}
	resolved, err := s.resolveSend(ctx, send, rulesFrom(in.Fallback), override)
	return resolved, mergeInvalid(err, wrong)
}

// resolveSend validates a send and sets its country and its plan: the rules that apply to it. The template of the send is
// checked by those of its account.
func (s *server) resolveSend(
	ctx context.Context, send backstop.Send, rules backstop.RuleSource, override backstop.Override,
) (backstop.Send, error) {
	country, err := backstop.CountryOf(send.To)
	if err := mergeInvalid(err, send.Validate(s.now()), s.checkAccounts(ctx, rules.Validate)); err != nil {
		return backstop.Send{}, err
	}
	if err := s.checkCountry(country); err != nil {
		return backstop.Send{}, err
	}
	send.Country = country
	policy, err := s.policyOf(ctx, rules)
	if err != nil {
		return backstop.Send{}, err
	}
	accounts := backstop.Accounts(s.accounts)
	if send.IsTest {
		policy, accounts = policy.WithoutAccounts(), s.accounts.SandboxAccounts()
	}
	err = s.checkThese(ctx, accounts, func(accounts backstop.Accounts) error {
		send.Plan, err = policy.Resolve(country, override, accounts)
		return err
	})
	if err != nil {
		return send, s.orUnopened(ctx, err)
	}
	if err := keyOf(ctx).CheckPlan(send.Plan); err != nil {
		return send, err
	}
	return s.resolveTemplate(ctx, send)
}

// policyOf returns the policy of a send. One of the send's own rules has no id and no name.
func (s *server) policyOf(ctx context.Context, rules backstop.RuleSource) (backstop.Policy, error) {
	if rules.PolicyID == "" {
		return backstop.Policy{Rules: rules.Own}, nil
	}
	policy, err := s.policies.Policy(ctx, rules.PolicyID)
	if backstop.CodeOf(err) == backstop.NotFound {
		return backstop.Policy{}, &backstop.Error{
			Code: backstop.Invalid, Message: "the send is not valid", Cause: err,
			Fields: []backstop.Field{backstop.NewField(
				"fallback.policy_id", backstop.FieldNotFound, "no policy has this id: see GET /v1/policies")},
		}
	}
	return policy, err
}

func rulesFrom(in FallbackInput) backstop.RuleSource {
	return backstop.RuleSource{PolicyID: canonicalID(orZero(in.PolicyID)), Own: showAll(orZero(in.Rules), ruleFrom)}
}

// showAccepted returns the answer to a send. It uses only what does not change after the acceptance, so a repeated request gets
// the same answer at any time.
func showAccepted(send backstop.Send) SendAccepted {
	return SendAccepted{
		ID: send.ID, Outcome: outcomeAtOnce(send), Skipped: skippedOf(send), AcceptedAt: send.AcceptedAt.UTC(),
		SendAt:   inUTC(send.SendAt),
		Warnings: omitEmpty(warningsOf(send)), Exclusivity: showExclusivity(send.Plan),
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
	send, err := s.findSend(ctx, id)
	if err != nil {
		return Send{}, err
	}
	attempts, events, err := s.sends.Timeline(ctx, send.ID)
	if err != nil {
		return Send{}, err
	}
	return showSend(send, attempts, events, s.now()), nil
}
