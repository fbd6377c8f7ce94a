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
	stats, err := countFor(ctx, s, s.stats, r.Params)
	return GetStats200JSONResponse(showStats(stats)), err
}

// GetMessageStats answers GET /v1/stats/messages.
func (s *server) GetMessageStats(ctx context.Context, r GetMessageStatsRequestObject) (GetMessageStatsResponseObject, error) {
	stats, err := countFor(ctx, s, s.messages, GetStatsParams(r.Params))
	return GetMessageStats200JSONResponse(showMessageStats(stats)), err
}

// GetStatsChanges answers GET /v1/stats/changes.
func (s *server) GetStatsChanges(ctx context.Context, r GetStatsChangesRequestObject) (GetStatsChangesResponseObject, error) {
	changes, err := countFor(ctx, s, s.changes, GetStatsParams(r.Params))
	return GetStatsChanges200JSONResponse(showChanges(changes)), err
}

// countFor returns the statistics of one kind that the parameters ask for.
func countFor[T any](ctx context.Context, s *server, cache *statsCache[T], p GetStatsParams) (T, error) {
	filter, err := s.statsFilter(p)
	if err != nil {
		var none T
		return none, err
	}
	return cache.get(ctx, statsKey(p), filter)
}

func (s *server) statsFilter(p GetStatsParams) (backstop.StatsFilter, error) {
	if err := backstop.ValidateRange(p.From, p.Until); err != nil {
		return backstop.StatsFilter{}, err
	}
	filter := backstop.StatsFilter{Until: s.now(), PolicyID: canonicalID(orZero(p.PolicyID))}
	if p.Until != nil {
		filter.Until = *p.Until
	}
	filter.From = filter.Until.Add(-statsRange)
	if p.From != nil {
		filter.From = *p.From
	}
	return filter, filter.Validate()
}

func showStats(s backstop.Stats) Stats {
	return Stats{
		From: s.Filter.From.UTC(), Until: s.Filter.Until.UTC(), BucketSeconds: int(s.Filter.Bucket() / time.Second),
		Totals: showCounts(s.Totals),
		Series: showAll(s.Series, func(c backstop.CountsAt) StatsBucket {
			return StatsBucket{At: c.At.UTC(), Counts: showCounts(c.Counts), ByReason: showAll(c.ByReason, showReason)}
		}),
		ByPolicy: showAll(s.ByPolicy, func(c backstop.CountsOfPolicy) StatsOfPolicy {
			return StatsOfPolicy{ID: omitZero(c.ID), Name: omitZero(c.Name), Counts: showCounts(c.Counts)}
		}),
		ByRule: showAll(s.ByRule, func(c backstop.CountsOfRule) StatsOfRule {
			return StatsOfRule{Name: c.Name, Type: RuleType(c.Type), Sends: c.Sends, Fallbacks: c.Fallbacks}
		}),
		ByType: showAll(s.ByType, func(c backstop.CountsOfType) StatsOfType {
			return StatsOfType{Type: RuleType(c.Type), Sends: c.Sends, Fallbacks: c.Fallbacks, Missed: c.Missed}
		}),
		ByReason: showAll(s.ByReason, showReason),
		ByCountry: showAll(s.ByCountry, func(c backstop.CountsOfCountry) StatsOfCountry {
			return StatsOfCountry{Country: c.Country, Counts: showCounts(c.Counts)}
		}),
		TimeToDelivery: StatsTimes{
			All: showQuantiles(s.TimeToDelivery), Whatsapp: showQuantiles(s.TimeToWhatsApp), Sms: showQuantiles(s.TimeToSMS),
		},
	}
}

func showReason(c backstop.CountsOfReason) StatsOfReason {
	return StatsOfReason{Reason: FallbackReason(c.Reason), Fallbacks: c.Fallbacks}
}

func showMessageStats(s backstop.MessageStats) MessageStats {
	return MessageStats{
		From: s.Filter.From.UTC(), Until: s.Filter.Until.UTC(),
		BySender: showAll(s.BySender, func(c backstop.CountsOfSender) StatsOfSender {
			return StatsOfSender{
				Sender: c.Sender, Route: c.Route, Counts: showSMSCounts(c.SMSCounts),
				ByCountry: showAll(c.ByCountry, func(c backstop.CountsOfSenderIn) SenderInCountry {
					return SenderInCountry{Country: c.Country, Counts: showSMSCounts(c.SMSCounts)}
				}),
			}
		}),
		ByCode: showAll(s.ByCode, func(c backstop.CountsOfCode) StatsOfCode {
			return StatsOfCode{
				Provider: c.Provider, Channel: Channel(c.Channel), Code: c.Code,
				Class: omitZero(FailureClass(c.Class)), Sends: c.Sends,
			}
		}),
	}
}

func showSMSCounts(c backstop.SMSCounts) SMSCounts {
	shown := SMSCounts{
		Sms: c.SMS, Delivered: c.Results[backstop.SMSDelivered], Failed: c.Results[backstop.SMSFailed],
		NoReceipt: c.Results[backstop.SMSNoReceipt], TimeToDelivery: showQuantiles(c.TimeToDelivery),
	}
	if top := c.TopCode; top.Code != "" {
		shown.TopCode = &CodeCount{Provider: top.Provider, Code: top.Code, Count: top.Sends}
	}
	return shown
}

func showChanges(c backstop.Changes) StatsChanges {
	return StatsChanges{
		Before: showRange(c.Before), After: showRange(c.After),
		Groups: showAll(c.Groups, func(g backstop.ChangeGroup) ChangeGroup {
			return ChangeGroup{
				PolicyID: omitZero(g.PolicyID), PolicyName: omitZero(g.PolicyName), Country: g.Country,
				Reason: omitZero(FallbackReason(g.Reason)), Provider: g.Provider, Code: g.Code,
				Before: g.Before, After: g.After, Contribution: c.Contribution(g),
			}
		}),
	}
}

func showRange(c backstop.RangeCounts) RangeCounts {
	return RangeCounts{From: c.From.UTC(), Until: c.Until.UTC(), Sends: c.Sends, Fallbacks: c.Fallbacks}
}

func showCounts(c backstop.Counts) StatsCounts {
	return StatsCounts{
		Sends:   c.Sends,
		Pending: c.Outcomes[backstop.OutcomePending], Scheduled: c.Scheduled, Whatsapp: c.Outcomes[backstop.OutcomeWhatsApp],
		Sms: c.Outcomes[backstop.OutcomeSMS], Unconfirmed: c.Outcomes[backstop.OutcomeUnconfirmed],
		Expired: c.Outcomes[backstop.OutcomeExpired], Failed: c.Outcomes[backstop.OutcomeFailed],
		Cancelled: c.Outcomes[backstop.OutcomeCancelled], Confirmed: c.Outcomes[backstop.OutcomeConfirmed],
		Fallbacks: c.Fallbacks, Averted: c.Averted, Duplicates: c.Duplicates, DuplicateShare: duplicateShare(c),
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
