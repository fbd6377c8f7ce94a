package backstop

import (
	"maps"
	"time"
)

// FallbackReason says why a rule fired. The statistics count the reason of the first rule of a send.
type FallbackReason string

// The reasons.
const (
	ByFailure    FallbackReason = "failed"        // a permanent failure
	NotSent      FallbackReason = "not_sent"      // the wait of a send_failed rule ended
	NotDelivered FallbackReason = "not_delivered" // of an undelivered rule
	NotRead      FallbackReason = "not_read"      // of an unread rule
	TooLate      FallbackReason = "too_late"      // the wait ended before the engine had the send: WhatsApp was not tried
)

// FallbackReasons returns all reasons, in the order of a message's way.
func FallbackReasons() []FallbackReason {
	return []FallbackReason{ByFailure, NotSent, NotDelivered, NotRead, TooLate}
}

// Bounds of one count.
const (
	MaxStatsRange = 92 * 24 * time.Hour // a quarter of a year
	maxBuckets    = 120                 // the most that a chart shows
)

// StatsFilter says which sends are counted.
type StatsFilter struct {
	From     time.Time // accepted at or after
	Until    time.Time // accepted before
	PolicyID string    // empty: of every policy
}

// Validate returns an Error of code Invalid that names every wrong field, or nil.
func (f StatsFilter) Validate() error {
	var wrong fields
	switch span := f.Until.Sub(f.From); {
	case span <= 0:
		wrong.add("until", FieldAfterOther, "must be after from", "other", "from")
	case span > MaxStatsRange:
		wrong.addMax("from", FieldRangeDaysMax, "must be at most %d days before until", int(MaxStatsRange/(24*time.Hour)))
	}
	return wrong.err("the range is not valid")
}

// Bucket returns the length of the parts of the range: the shortest round length with at most maxBuckets parts.
func (f StatsFilter) Bucket() time.Duration {
	for _, length := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour} {
		if f.Until.Sub(f.From) <= maxBuckets*length {
			return length
		}
	}
	return 24 * time.Hour
}

// Buckets returns the beginnings of the parts, oldest first and without gaps: whole multiples of their length, counted from the
// epoch. So the first part may begin before the range, and the last may end after it.
func (f StatsFilter) Buckets() []time.Time {
	length := f.Bucket()
	var all []time.Time
	for at := f.From.UTC().Truncate(length); at.Before(f.Until); at = at.Add(length) {
		all = append(all, at)
	}
	return all
}

// Stats has the results of the sends of a range, as far as they are known.
type Stats struct {
	Filter    StatsFilter
	Totals    Counts
	Series    []CountsAt
	ByPolicy  []CountsOfPolicy // the most sends first
	ByRule    []CountsOfRule   // the most fallbacks first
	ByType    []CountsOfType
	ByReason  []CountsOfReason
	ByCountry []CountsOfCountry // the most sends first

	// The times from Send.Origin to DeliveredAt.
	TimeToDelivery, TimeToWhatsApp, TimeToSMS Quantiles
}

// Counts are numbers of sends.
type Counts struct {
	Sends      int64
	Outcomes   map[Outcome]int64 // they add up to Sends
	Scheduled  int64             // further sends that have not started, see Send.IsScheduled
	Fallbacks  int64             // sends of which a rule fired and was not averted
	Averted    int64             // sends of which a last look averted an SMS
	Duplicates int64             // sends with DuplicateDelivery
}

// Plus returns the sum of two counts.
func (c Counts) Plus(o Counts) Counts {
	sum := Counts{
		Sends: c.Sends + o.Sends, Outcomes: maps.Clone(c.Outcomes), Fallbacks: c.Fallbacks + o.Fallbacks,
		Averted: c.Averted + o.Averted, Duplicates: c.Duplicates + o.Duplicates, Scheduled: c.Scheduled + o.Scheduled,
	}
	if sum.Outcomes == nil {
		sum.Outcomes = map[Outcome]int64{}
	}
	for outcome, n := range o.Outcomes {
		sum.Outcomes[outcome] += n
	}
	return sum
}

// CountsAt has the counts of the sends that were accepted in one part of the range.
type CountsAt struct {
	Counts

	At       time.Time
	ByReason []CountsOfReason
}

// CountsOfPolicy has the counts of the sends that named a policy.
type CountsOfPolicy struct {
	Counts

	ID   string
	Name string // in the newest of the sends
}

// CountsOfCountry has the counts of the sends to a country.
type CountsOfCountry struct {
	Counts

	Country string // ISO 3166-1 alpha-2, or empty
}

// CountsOfRule has the counts of a rule. Its name and type are those in the plans of the sends.
type CountsOfRule struct {
	Name      string
	Type      RuleType
	Sends     int64 // sends whose plan includes the rule
	Fallbacks int64 // sends of which it was the newest rule that fired
}

// CountsOfType has the counts of all rules of a type.
type CountsOfType struct {
	Type      RuleType
	Sends     int64 // sends whose plan includes such a rule
	Fallbacks int64 // sends of which such a rule was the newest that fired
	Missed    int64 // sends whose first rule fired because a wait for the type's status ended
}

// CountsOfReason has the count of the sends whose first rule fired for a reason.
type CountsOfReason struct {
	Reason    FallbackReason
	Fallbacks int64
}

// Quantiles are of the times of Count sends: half of the sends took at most P50. They are zero if Count is 0.
type Quantiles struct {
	Count         int64
	P50, P95, P99 time.Duration
}

// MessageStats has the results of the messages of the sends of a range.
type MessageStats struct {
	Filter   StatsFilter
	BySender []CountsOfSender // the most SMS first
	ByCode   []CountsOfCode   // the most sends first
}

// SMSCounts are numbers of SMS. SMS is the sum of Results.
type SMSCounts struct {
	SMS            int64
	Results        map[SMSResult]int64
	TimeToDelivery Quantiles // from the call to the receipt
	TopCode        CountsOfCode
}

// CountsOfSender has the counts of the SMS from a sender ID by a route.
type CountsOfSender struct {
	SMSCounts

	Sender    string
	Route     string
	ByCountry []CountsOfSenderIn // the most SMS first
}

// CountsOfSenderIn has the counts of the SMS from a sender ID to a country.
type CountsOfSenderIn struct {
	SMSCounts

	Country string // ISO 3166-1 alpha-2, or empty
}

// CountsOfCode has the number of sends with a message that failed with an error code.
type CountsOfCode struct {
	Provider string
	Channel  Channel
	Code     string // empty if the provider gave none
	Class    RejectClass
	Sends    int64
}

// Changes compares the fallbacks of a range with those of the range of equal length before it.
type Changes struct {
	Before, After RangeCounts
	Groups        []ChangeGroup // the largest change of the rate first
}

// RangeCounts are numbers of sends of a range.
type RangeCounts struct {
	From, Until      time.Time
	Sends, Fallbacks int64
}

// ChangeGroup has the numbers of the fallbacks with one policy, country, reason and error code.
type ChangeGroup struct {
	PolicyID   string
	PolicyName string // in the newest of the sends
	Country    string
	Reason     FallbackReason
	Provider   string // of the code
	Code       string // of the WhatsApp message's failure, if it has one

	Before, After int64
}

// Contribution returns the part of the change of the fallback rate that the group explains. The contributions of
// all groups add up to the change.
func (c Changes) Contribution(g ChangeGroup) float64 {
	return share(g.After, c.After.Sends) - share(g.Before, c.Before.Sends)
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Previous returns the range of equal length before the range.
func (f StatsFilter) Previous() StatsFilter {
	f.From, f.Until = f.From.Add(f.From.Sub(f.Until)), f.From
	return f
}
