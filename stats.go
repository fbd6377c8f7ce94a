package backstop

import (
	"fmt"
	"maps"
	"time"
)

// FallbackReason says why the first rule of a send fired. What follows a failed SMS is the next rule and no new reason.
type FallbackReason string

// The reasons.
const (
	ByFailure    FallbackReason = "failed"        // a permanent failure
	NotSent      FallbackReason = "not_sent"      // the wait of a send_failed rule ended
	NotDelivered FallbackReason = "not_delivered" // of an undelivered rule
	NotRead      FallbackReason = "not_read"      // of an unread rule
	TooLate      FallbackReason = "too_late"      // it had ended before the engine had the send: WhatsApp was not tried
)

// FallbackReasons are all of them, in the order of a message's way.
func FallbackReasons() []FallbackReason {
	return []FallbackReason{ByFailure, NotSent, NotDelivered, NotRead, TooLate}
}

// Bounds of one count.
const (
	MaxStatsRange = 92 * 24 * time.Hour // a quarter of a year
	maxBuckets    = 120                 // as many as a chart shows
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
		wrong.add("until", "must be after from")
	case span > MaxStatsRange:
		wrong.add("from", fmt.Sprintf("must be at most %d days before until", MaxStatsRange/(24*time.Hour)))
	}
	return wrong.err("the range is not valid")
}

// Bucket is how finely the range is counted over time: the shortest round length by which it has few enough parts.
func (f StatsFilter) Bucket() time.Duration {
	for _, length := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour} {
		if f.Until.Sub(f.From) <= maxBuckets*length {
			return length
		}
	}
	return 24 * time.Hour
}

// Buckets are the beginnings of the parts, oldest first and without gaps: whole multiples of their length, counted from
// the epoch. So the first may begin before the range and the last end after it.
func (f StatsFilter) Buckets() []time.Time {
	length := f.Bucket()
	var all []time.Time
	for at := f.From.UTC().Truncate(length); at.Before(f.Until); at = at.Add(length) {
		all = append(all, at)
	}
	return all
}

// Stats is what became of the sends of a range, as far as is known.
type Stats struct {
	Filter    StatsFilter
	Totals    Counts
	Series    []CountsAt
	ByPolicy  []CountsOfPolicy // the most sends first
	ByRule    []CountsOfRule   // the most fallbacks first
	ByType    []CountsOfType
	ByReason  []CountsOfReason
	ByCountry []CountsOfCountry // the most sends first

	// From acceptance to DeliveredAt.
	TimeToDelivery, TimeToWhatsApp, TimeToSMS Quantiles
}

// Counts are numbers of sends.
type Counts struct {
	Sends      int64
	Outcomes   map[Outcome]int64 // they add up to Sends
	Fallbacks  int64             // of which a rule fired and was not averted
	Averted    int64             // of which a last look averted an SMS
	Duplicates int64             // with Send.DuplicateDelivery
}

// Plus returns the sums of both.
func (c Counts) Plus(o Counts) Counts {
	sum := Counts{
		Sends: c.Sends + o.Sends, Outcomes: maps.Clone(c.Outcomes), Fallbacks: c.Fallbacks + o.Fallbacks,
		Averted: c.Averted + o.Averted, Duplicates: c.Duplicates + o.Duplicates,
	}
	if sum.Outcomes == nil {
		sum.Outcomes = map[Outcome]int64{}
	}
	for outcome, n := range o.Outcomes {
		sum.Outcomes[outcome] += n
	}
	return sum
}

// CountsAt are of the sends accepted in one part of the range.
type CountsAt struct {
	Counts

	At time.Time
}

// CountsOfPolicy are of the sends that named a policy.
type CountsOfPolicy struct {
	Counts

	ID   string
	Name string // in the newest of the sends
}

// CountsOfCountry are of the sends to a country.
type CountsOfCountry struct {
	Counts

	Country string // ISO 3166-1 alpha-2, or empty
}

// CountsOfRule are of a rule, by its name and its type as sends carried them.
type CountsOfRule struct {
	Name      string
	Type      RuleType
	Sends     int64 // whose plan included it
	Fallbacks int64 // of which it was the newest to fire
}

// CountsOfType are of all rules of a type.
type CountsOfType struct {
	Type      RuleType
	Sends     int64 // whose plan included one
	Fallbacks int64 // of which one was the newest to fire
}

// CountsOfReason are of the sends that fell back for a reason first.
type CountsOfReason struct {
	Reason    FallbackReason
	Fallbacks int64
}

// Quantiles are of the times that Count sends took: half of them took at most P50. They are zero when Count is.
type Quantiles struct {
	Count         int64
	P50, P95, P99 time.Duration
}
