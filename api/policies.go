package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// CreatePolicy answers POST /v1/policies.
func (s *server) CreatePolicy(ctx context.Context, r CreatePolicyRequestObject) (CreatePolicyResponseObject, error) {
	in := policyFrom(*r.Body)
	if err := mergeInvalid(in.Validate(), s.checkAccounts(ctx, in.ValidateAccount)); err != nil {
		return nil, err
	}
	policy, err := s.policies.CreatePolicy(ctx, in)
	if err != nil {
		return nil, err
	}
	return CreatePolicy201JSONResponse{Body: showPolicy(policy), Headers: CreatePolicy201ResponseHeaders{
		ETag: etagOf(policy.Version), Location: "/v1/policies/" + policy.ID,
	}}, nil
}

// GetPolicy answers GET /v1/policies/{id}.
func (s *server) GetPolicy(ctx context.Context, r GetPolicyRequestObject) (GetPolicyResponseObject, error) {
	policy, err := s.policies.Policy(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return GetPolicy200JSONResponse{
		Body: showPolicy(policy), Headers: GetPolicy200ResponseHeaders{ETag: etagOf(policy.Version)},
	}, nil
}

// ListPolicies answers GET /v1/policies.
func (s *server) ListPolicies(ctx context.Context, r ListPoliciesRequestObject) (ListPoliciesResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, sortOf(r.Params.Sort))
	if err != nil {
		return nil, err
	}
	filter := backstop.PolicyFilter{
		Search: orZero(r.Params.Search), Type: backstop.RuleType(orZero(r.Params.Type)), SendID: orZero(r.Params.SendID),
		Country: orZero(r.Params.Country),
	}
	policies, more, err := s.policies.ListPolicies(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	total, err := countIf(r.Params.Total, func() (backstop.Total, error) { return s.policies.CountPolicies(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListPolicies200JSONResponse{
		Items: showAll(policies, showPolicy),
		Total: total,
		NextCursor: nextCursor(more, func() string {
			last := policies[len(policies)-1]
			return placeOf(page.Sort, last.ID, last.Name, last.UpdatedAt)
		}),
	}, nil
}

// ReplacePolicy answers PUT /v1/policies/{id}.
func (s *server) ReplacePolicy(ctx context.Context, r ReplacePolicyRequestObject) (ReplacePolicyResponseObject, error) {
	id, in := canonicalID(r.ID), policyFrom(*r.Body)
	version, err := ifMatch(r.Params.IfMatch, s.policyVersion(ctx, id))
	if err != nil {
		return nil, err
	}
	if err := mergeInvalid(in.Validate(), s.checkAccounts(ctx, in.ValidateAccount)); err != nil {
		return nil, err
	}
	policy, err := s.policies.ReplacePolicy(ctx, id, in, version)
	if err != nil {
		return nil, err
	}
	return ReplacePolicy200JSONResponse{
		Body: showPolicy(policy), Headers: ReplacePolicy200ResponseHeaders{ETag: etagOf(policy.Version)},
	}, nil
}

// DeletePolicy answers DELETE /v1/policies/{id}.
func (s *server) DeletePolicy(ctx context.Context, r DeletePolicyRequestObject) (DeletePolicyResponseObject, error) {
	id := canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, s.policyVersion(ctx, id))
	if err != nil {
		return nil, err
	}
	if err := s.policies.DeletePolicy(ctx, id, version); err != nil {
		return nil, err
	}
	return DeletePolicy204Response{}, nil
}

func (s *server) policyVersion(ctx context.Context, id string) func() (int, error) {
	return func() (int, error) {
		policy, err := s.policies.Policy(ctx, id)
		return policy.Version, err
	}
}

func policyFrom(in PolicyInput) backstop.PolicyInput {
	return backstop.PolicyInput{Name: in.Name, Account: orZero(in.Account), RuleIDs: showAll(in.RuleIds, canonicalID)}
}

func showPolicy(p backstop.Policy) Policy {
	return Policy{
		ID: p.ID, Name: p.Name, Account: omitZero(p.Account), Rules: showAll(p.Rules, showRule),
		Version: p.Version, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
	}
}
