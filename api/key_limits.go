package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// checkKeyPolicy returns an Error if the key of the request may not use the policy of a send.
func checkKeyPolicy(ctx context.Context, in SendInput) error {
	return keyOf(ctx).CheckPolicy(rulesFrom(in.Fallback).PolicyID)
}

// findSend loads a send that the key of the request sees. Any other send does not exist for the caller.
func (s *server) findSend(ctx context.Context, id string) (backstop.Send, error) {
	send, err := s.sends.Send(ctx, id)
	if err == nil && !keyOf(ctx).Sees(send) {
		return backstop.Send{}, &backstop.Error{Code: backstop.NotFound, Message: "no send has this id"}
	}
	return send, err
}

// checkSees returns an Error of code NotFound if the key of the request does not see a send. A key without limits costs no query.
func (s *server) checkSees(ctx context.Context, id string) error {
	if !keyOf(ctx).IsLimited() {
		return nil
	}
	_, err := s.findSend(ctx, id)
	return err
}

// limitFilter lets a filter select only sends that the key of the request sees. A key with several policies must name one: a list
// of several policies has no index.
func limitFilter(ctx context.Context, f *backstop.SendFilter) error {
	key := keyOf(ctx)
	f.IsTest = f.IsTest || key.IsTest()
	if f.PolicyID == "" && len(key.Policies) == 1 {
		f.PolicyID = key.Policies[0]
	}
	if len(key.Policies) == 0 || f.PolicyID != "" && key.CheckPolicy(f.PolicyID) == nil {
		return nil
	}
	return &backstop.Error{
		Code: forbidden, Message: "the API key does not allow this list",
		Fields: []backstop.Field{backstop.NewField("policy_id", backstop.FieldOutsideKey, "must be a policy of the API key")},
	}
}
