package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// CreateRule answers POST /v1/rules.
func (s *server) CreateRule(ctx context.Context, r CreateRuleRequestObject) (CreateRuleResponseObject, error) {
	rule := ruleFrom(*r.Body)
	if err := mergeInvalid(rule.Validate(), s.checkAccounts(ctx, rule.ValidateRoutes)); err != nil {
		return nil, err
	}
	rule, err := s.rules.CreateRule(ctx, rule)
	if err != nil {
		return nil, err
	}
	return CreateRule201JSONResponse{Body: showRule(rule), Headers: CreateRule201ResponseHeaders{
		ETag: etagOf(rule.Version), Location: "/v1/rules/" + rule.ID,
	}}, nil
}

// GetRule answers GET /v1/rules/{id}.
func (s *server) GetRule(ctx context.Context, r GetRuleRequestObject) (GetRuleResponseObject, error) {
	rule, err := s.rules.Rule(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return GetRule200JSONResponse{
		Body: showRule(rule), Headers: GetRule200ResponseHeaders{ETag: etagOf(rule.Version)},
	}, nil
}

// ListRules answers GET /v1/rules.
func (s *server) ListRules(ctx context.Context, r ListRulesRequestObject) (ListRulesResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, sortOf(r.Params.Sort))
	if err != nil {
		return nil, err
	}
	filter := backstop.RuleFilter{
		Search: orZero(r.Params.Search), Type: backstop.RuleType(orZero(r.Params.Type)), SendID: orZero(r.Params.SendID),
		Country: orZero(r.Params.Country), Account: orZero(r.Params.Account), Used: r.Params.Used,
	}
	rules, more, err := s.rules.ListRules(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	total, err := countIf(r.Params.Total, func() (backstop.Total, error) { return s.rules.CountRules(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListRules200JSONResponse{
		Items: showAll(rules, showRule),
		Total: total,
		NextCursor: nextCursor(more, func() string {
			last := rules[len(rules)-1]
			return placeOf(page.Sort, last.ID, last.Name, last.UpdatedAt)
		}),
	}, nil
}

// ReplaceRule answers PUT /v1/rules/{id}.
func (s *server) ReplaceRule(ctx context.Context, r ReplaceRuleRequestObject) (ReplaceRuleResponseObject, error) {
	rule := ruleFrom(*r.Body)
	rule.ID = canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, s.ruleVersion(ctx, rule.ID))
	if err != nil {
		return nil, err
	}
	if err := mergeInvalid(rule.Validate(), s.checkAccounts(ctx, rule.ValidateRoutes)); err != nil {
		return nil, err
	}
	rule, err = s.rules.ReplaceRule(ctx, rule, version)
	if err != nil {
		return nil, err
	}
	return ReplaceRule200JSONResponse{
		Body: showRule(rule), Headers: ReplaceRule200ResponseHeaders{ETag: etagOf(rule.Version)},
	}, nil
}

// DeleteRule answers DELETE /v1/rules/{id}.
func (s *server) DeleteRule(ctx context.Context, r DeleteRuleRequestObject) (DeleteRuleResponseObject, error) {
	id := canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, s.ruleVersion(ctx, id))
	if err != nil {
		return nil, err
	}
	if err := s.rules.DeleteRule(ctx, id, version); err != nil {
		return nil, err
	}
	return DeleteRule204Response{}, nil
}

func (s *server) ruleVersion(ctx context.Context, id string) func() (int, error) {
	return func() (int, error) {
		rule, err := s.rules.Rule(ctx, id)
		return rule.Version, err
	}
}

func ruleFrom(in RuleInput) backstop.Rule {
	return backstop.Rule{
		Name: in.Name, Type: backstop.RuleType(in.Type), WaitSeconds: orZero(in.WaitSeconds),
		SendID: in.SendID, Routes: routesFrom(in.Routes), Countries: orZero(in.Countries),
	}
}

func showRule(r backstop.Rule) Rule {
	return Rule{
		ID: r.ID, Name: r.Name, Type: RuleType(r.Type), WaitSeconds: omitZero(r.WaitSeconds), SendID: r.SendID,
		Routes: showRoutes(r.Routes), Countries: omitEmpty(r.Countries), UsedBy: omitEmpty(showAll(r.UsedBy, showPolicyRef)),
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func routesFrom(in *Routes) []backstop.Route {
	return showAll(orZero(in), func(r Route) backstop.Route {
		return backstop.Route{Account: r.Account, SendID: orZero(r.SendID)}
	})
}

func showRoutes(routes []backstop.Route) *Routes {
	return omitEmpty(showAll(routes, func(r backstop.Route) Route {
		return Route{Account: r.Account, SendID: omitZero(r.SendID)}
	}))
}

func showPolicyRef(p backstop.PolicyRef) PolicyRef { return PolicyRef{ID: p.ID, Name: p.Name} }

// showAll never returns nil, because a nil slice would become null in JSON.
func showAll[T, S any](items []T, show func(T) S) []S {
	shown := make([]S, len(items))
	for i, item := range items {
		shown[i] = show(item)
	}
	return shown
}
