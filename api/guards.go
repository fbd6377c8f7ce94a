package api

import (
	"context"
	"errors"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// GetGuards answers GET /v1/guards.
func (s *server) GetGuards(ctx context.Context, _ GetGuardsRequestObject) (GetGuardsResponseObject, error) {
	guards, err := s.guards.Guards(ctx)
	if err != nil {
		return nil, err
	}
	return GetGuards200JSONResponse{
		Body: showGuards(guards), Headers: GetGuards200ResponseHeaders{ETag: etagOf(guards.Version)},
	}, nil
}

// ReplaceGuards answers PUT /v1/guards.
func (s *server) ReplaceGuards(ctx context.Context, r ReplaceGuardsRequestObject) (ReplaceGuardsResponseObject, error) {
	guards := guardsFrom(*r.Body)
	version, err := ifMatch(r.Params.IfMatch, func() (int, error) {
		stored, err := s.guards.Guards(ctx)
		return stored.Version, err
	})
	if err != nil {
		return nil, err
	}
	if err := guards.Validate(); err != nil {
		return nil, err
	}
	if guards, err = s.guards.ReplaceGuards(ctx, guards, version); err != nil {
		return nil, err
	}
	return ReplaceGuards200JSONResponse{
		Body: showGuards(guards), Headers: ReplaceGuards200ResponseHeaders{ETag: etagOf(guards.Version)},
	}, nil
}

// GetGuardResults answers GET /v1/guards/results.
func (s *server) GetGuardResults(
	ctx context.Context, _ GetGuardResultsRequestObject,
) (GetGuardResultsResponseObject, error) {
	counts, from, err := s.guards.GuardResults(ctx)
	if err != nil {
		return nil, err
	}
	return GetGuardResults200JSONResponse{From: from.UTC(), Items: showAll(counts, func(c backstop.GuardCount) GuardCount {
		return GuardCount{
			Guard: Guard(c.Guard), Result: GuardResult(c.Result), Country: c.Country, Count: c.Count, LastAt: c.LastAt.UTC(),
		}
	})}, nil
}

// acceptGuarded accepts a send that passes the guards. If a guard refuses the same content to the same number, and the first send
// is the answer, it returns that send and true.
func (s *server) acceptGuarded(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency, isRepeat bool,
) (accepted backstop.Send, isSameText bool, err error) {
	var checks backstop.GuardChecks
	if !send.IsTest { // a test takes nobody's place
		checks, err = s.guards.Admit(send, isRepeat)
	}
	if err != nil && key != nil { // another request with the key may have taken the last place
		if accepted, found, err := s.handoff.Accepted(ctx, *key); err != nil || found {
			return accepted, false, err
		}
	}
	if err == nil {
		var created bool
		accepted, created, err = s.handoff.AcceptGuarded(ctx, send, key, checks)
		if created && !send.IsTest {
			s.guards.Accepted(ctx, accepted)
		}
	}
	if err == nil {
		return accepted, false, nil
	}
	first := firstSend(err)
	isAnswered := first != nil && s.guards.Current().SameTextAnswer != backstop.AnswerRefuse
	s.guards.Refused(ctx, send, err, isAnswered)
	if isAnswered {
		return *first, true, nil
	}
	return backstop.Send{}, false, err
}

// firstSend returns the earlier send with the same content, if that is why a guard refused a send; otherwise nil.
func firstSend(err error) *backstop.Send {
	refusal, ok := errors.AsType[*backstop.GuardError](err)
	if !ok {
		return nil
	}
	return refusal.First
}

// checkCountry returns an Error if the guards refuse the country of a number.
func (s *server) checkCountry(country string) error {
	_, err := s.guards.Current().CheckCountry(country)
	return err
}

func guardsFrom(in GuardsInput) backstop.Guards {
	guards := backstop.Guards{
		Allow: orZero(in.Allow), Block: orZero(in.Block), Watch: orZero(in.Watch), RecipientCap: orZero(in.RecipientCap),
		PrefixCap: orZero(in.PrefixCap), PrefixDigits: orZero(in.PrefixDigits), CountryCap: orZero(in.CountryCap),
		SameTextSeconds: orZero(in.SameTextSeconds), SameTextAnswer: backstop.SameTextAnswer(orZero(in.SameTextAnswer)),
	}
	for _, c := range orZero(in.CountryCaps) {
		guards.CountryCaps = append(guards.CountryCaps, backstop.CountryCap{Country: c.Country, Cap: c.Cap})
	}
	if guards.SameTextAnswer == "" {
		guards.SameTextAnswer = backstop.AnswerFirst
	}
	return guards
}

func showGuards(g backstop.Guards) Guards {
	shown := Guards{
		Allow: orEmpty(g.Allow), Block: orEmpty(g.Block), Watch: orEmpty(g.Watch), RecipientCap: g.RecipientCap,
		PrefixCap: g.PrefixCap, PrefixDigits: omitZero(g.PrefixDigits), CountryCap: g.CountryCap,
		CountryCaps: showAll(g.CountryCaps, func(c backstop.CountryCap) CountryCap {
			return CountryCap{Country: c.Country, Cap: c.Cap}
		}),
		SameTextSeconds: g.SameTextSeconds, SameTextAnswer: SameTextAnswer(g.SameTextAnswer), Version: g.Version,
	}
	if g.SameTextAnswer == "" {
		shown.SameTextAnswer = SameTextAnswerFirst
	}
	if !g.UpdatedAt.IsZero() {
		shown.UpdatedAt = new(g.UpdatedAt.UTC())
	}
	return shown
}

// orEmpty returns a list that JSON writes as [] and not as null.
func orEmpty(list []string) []string { return append([]string{}, list...) }
