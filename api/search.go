package api

import (
	"context"
	"strings"

	"github.com/backstophq/backstop"
)

const maxFound = 10 // of each kind; the contract promises it

// Search answers GET /v1/search.
func (s *server) Search(ctx context.Context, r SearchRequestObject) (SearchResponseObject, error) {
	text := strings.TrimSpace(r.Params.Q)
	if text == "" {
		return nil, badField("q", backstop.FieldLengthMin, "must not be empty", "min", "1")
	}
	found, refused := s.sends.FindSends(ctx, text, maxFound)
	if refused != nil && backstop.CodeOf(refused) != backstop.Invalid {
		return nil, refused
	}
	page := backstop.Page{Limit: maxFound}
	rules, _, err := s.rules.ListRules(ctx, backstop.RuleFilter{Search: text}, page)
	if err != nil {
		return nil, err
	}
	policies, _, err := s.policies.ListPolicies(ctx, backstop.PolicyFilter{Search: text}, page)
	if err != nil {
		return nil, err
	}
	if refused != nil && len(rules)+len(policies) == 0 { // of some digits of a number, where numbers are encrypted
		return nil, refused
	}
	return Search200JSONResponse{
		Sends: showAll(found.Sends, showSummary), SendsFoundBy: FoundSendsFoundBy(found.By), MoreSends: found.More,
		To: omitZero(found.Filter.To), ToEnds: omitZero(found.Filter.ToEnds), CorrelationID: omitZero(found.Filter.CorrelationID),
		Rules: showAll(rules, showRule), Policies: showAll(policies, showPolicy),
	}, nil
}
