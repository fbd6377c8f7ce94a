package api

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// statsRange is the length of the range if the caller sets no from.
const statsRange = 24 * time.Hour

// GetStats answers GET /v1/stats.
func (s *server) GetStats(ctx context.Context, r GetStatsRequestObject) (GetStatsResponseObject, error) {
	if err := backstop.ValidateRange(r.Params.From, r.Params.Until); err != nil {
		return nil, err
	}
	filter := backstop.StatsFilter{Until: s.now(), PolicyID: canonicalID(orZero(r.Params.PolicyID))}
	if r.Params.Until != nil {
		filter.Until = *r.Params.Until
	}
	filter.From = filter.Until.Add(-statsRange)
	if r.Params.From != nil {
		filter.From = *r.Params.From
	}
	if err := filter.Validate(); err != nil {
		return nil, err
	}
	stats, err := s.stats.get(ctx, statsKey(r.Params), filter)
	if err != nil {
		return nil, err
	}
	return GetStats200JSONResponse(showStats(stats)), nil
}

func showStats(s backstop.Stats) Stats {
	return Stats{
		From: s.Filter.From.UTC(), Until: s.Filter.Until.UTC(), BucketSeconds: int(s.Filter.Bucket() / time.Second),
		Totals: showCounts(s.Totals),
		Series: showAll(s.Series, func(c backstop.CountsAt) StatsBucket {
			return StatsBucket{At: c.At.UTC(), Counts: showCounts(c.Counts)}
		}),
		ByPolicy: showAll(s.ByPolicy, func(c backstop.CountsOfPolicy) StatsOfPolicy {
			return StatsOfPolicy{ID: c.ID, Name: c.Name, Counts: showCounts(c.Counts)}
		}),
		ByRule: showAll(s.ByRule, func(c backstop.CountsOfRule) StatsOfRule {
			return StatsOfRule{Name: c.Name, Type: RuleType(c.Type), Sends: c.Sends, Fallbacks: c.Fallbacks}
		}),
		ByType: showAll(s.ByType, func(c backstop.CountsOfType) StatsOfType {
			return StatsOfType{Type: RuleType(c.Type), Sends: c.Sends, Fallbacks: c.Fallbacks}
		}),
		ByReason: showAll(s.ByReason, func(c backstop.CountsOfReason) StatsOfReason {
			return StatsOfReason{Reason: FallbackReason(c.Reason), Fallbacks: c.Fallbacks}
		}),
		ByCountry: showAll(s.ByCountry, func(c backstop.CountsOfCountry) StatsOfCountry {
			return StatsOfCountry{Country: c.Country, Counts: showCounts(c.Counts)}
		}),
		TimeToDelivery: StatsTimes{
			All: showQuantiles(s.TimeToDelivery), Whatsapp: showQuantiles(s.TimeToWhatsApp), Sms: showQuantiles(s.TimeToSMS),
		},
	}
}

func showCounts(c backstop.Counts) StatsCounts {
	return StatsCounts{
		Sends:   c.Sends,
		Pending: c.Outcomes[backstop.OutcomePending], Whatsapp: c.Outcomes[backstop.OutcomeWhatsApp],
		Sms: c.Outcomes[backstop.OutcomeSMS], Unconfirmed: c.Outcomes[backstop.OutcomeUnconfirmed],
		Expired: c.Outcomes[backstop.OutcomeExpired], Failed: c.Outcomes[backstop.OutcomeFailed],
		Fallbacks: c.Fallbacks, Averted: c.Averted, Duplicates: c.Duplicates,
	}
}

func showQuantiles(q backstop.Quantiles) Quantiles {
	if q.Count == 0 {
		return Quantiles{}
	}
	return Quantiles{
		Count: q.Count, P50: new(q.P50.Seconds()), P95: new(q.P95.Seconds()), P99: new(q.P99.Seconds()),
	}
}
