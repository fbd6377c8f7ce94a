package api

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// ListSends answers GET /v1/sends.
func (s *server) ListSends(ctx context.Context, r ListSendsRequestObject) (ListSendsResponseObject, error) {
	sort := orderOf(r.Params.Order)
	page, err := readPage(r.Params.Cursor, r.Params.Limit, sort)
	if err != nil {
		return nil, err
	}
	filter, err := sendFilter(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	sends, more, err := s.sends.ListSends(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	list := SendList{
		Items:      showAll(sends, showSummary),
		NextCursor: nextCursor(more, func() string { return placeOf(sort, sends[len(sends)-1].ID, "", time.Time{}) }),
	}
	list.Total, err = countIf(r.Params.Total, func() (backstop.Total, error) { return s.sends.CountSends(ctx, filter) })
	if err != nil {
		return nil, err
	}
	return ListSends200JSONResponse(list), nil
}

// orderOf returns the order of a list of sends from its parameter.
func orderOf[O ~string](order *O) backstop.Sort {
	if orZero(order) == O(ListSendsParamsOrderOldest) {
		return backstop.ByOldest
	}
	return backstop.ByNewest
}

// noCountry is the parameter for numbers that belong to no country. The Unicode CLDR has it for an unknown region.
const noCountry = "ZZ"

func sendFilter(ctx context.Context, p ListSendsParams) (backstop.SendFilter, error) {
	f := backstop.SendFilter{
		Outcomes: convertAll[backstop.Outcome](orZero(p.Outcome)),
		PolicyID: canonicalID(orZero(p.PolicyID)),
		To:       orZero(p.To),
		ToEnds:   orZero(p.ToEnds),

		CorrelationID: orZero(p.CorrelationID),
		OwnRules:      p.OwnRules,

		From:  orZero(p.From),
		Until: orZero(p.Until),

		IsTest: orZero(p.Test),

		Scheduled: p.Scheduled,
		FellBack:  p.FellBack,
		Averted:   p.Averted,
		Duplicate: p.Duplicate,
		Reasons:   convertAll[backstop.FallbackReason](orZero(p.Reason)),
		Rule:      orZero(p.Rule),
		RuleType:  backstop.RuleType(orZero(p.RuleType)),
		Country:   p.Country,

		SMS: backstop.SMSFilter{
			Sender: orZero(p.Sender), Route: orZero(p.Route), Result: backstop.SMSResult(orZero(p.SmsResult)),
		},
		Failure: backstop.CodeFilter{Provider: orZero(p.Provider), Code: orZero(p.Code)},
	}
	if orZero(f.Country) == noCountry {
		f.Country = new("")
	}
	if err := limitFilter(ctx, &f); err != nil {
		return f, err
	}
	return f, backstop.ValidateRange(p.From, p.Until)
}

// convertAll converts texts of one type to another.
func convertAll[To, From ~string](values []From) (converted []To) {
	for _, value := range values {
		converted = append(converted, To(value))
	}
	return converted
}

func showTotal(t backstop.Total) *Total { return &Total{Count: t.Count, IsExact: t.IsExact} }
