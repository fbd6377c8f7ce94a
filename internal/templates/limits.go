package templates

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
)

// Limit is the messaging limit of an account, and what is stored of its count.
type Limit struct {
	Account string
	Group   string // the accounts of one provider and group share the limit
	Most    int    // recipients, as the number was read last; 0: it has no limit

	HasCount     bool // a count is stored, or under way; so is what follows
	CountedFor   int  // Most at the newest count
	CountedGroup string
	IsDue        bool // the time of the next count has come
}

// needsCount reports whether the recipients must be counted now. The count of an account that has no limit any more ends the
// former one.
func (l Limit) needsCount() bool {
	if !l.HasCount {
		return l.Most > 0
	}
	return l.IsDue || l.Most != l.CountedFor || l.Group != l.CountedGroup
}

// Mark is how near the recipients are to the limit.
type Mark struct {
	IsNear    bool
	IsReached bool // no further message goes out by the account
}

// CountClaim is an account whose recipients this process counts now.
type CountClaim struct {
	Account string
	Token   string
	Most    int  // 0: the account has no limit any more
	Before  Mark // at the newest count
}

// Count is a count of recipients.
type Count struct {
	Mark

	Recipients int
	Next       time.Duration // until the next count
}

const (
	// nearPercent of the limit is near it. A mark ends when the count is less than wellPercent of the number at which it began.
	// Without that distance it would begin and end with each message that leaves the 24 hours.
	nearPercent, wellPercent = 80, 95
	// firstCount and lastCount are the shortest and the longest pause between two counts.
	firstCount, lastCount = pollEvery, Every
	// perSecond is twice Meta's standard throughput of a number (Cloud API, "Throughput"). So the next count is made before a
	// number at its full throughput has used half of what is left.
	perSecond = 160
	// countedPerSecond bounds the cost of counts: 100,000 messages are counted in 0.3 s, and so every 20 s at most.
	countedPerSecond = 5000
	// countLease is longer than a count, which Postgres cancels after 10 s.
	countLease = time.Minute
)

// judge returns what a count says.
func judge(before Mark, most, recipients int) Count {
	if most == 0 {
		return Count{Next: lastCount}
	}
	isAt := func(percent int, was bool) bool {
		least := most * percent
		return 100*recipients >= least || was && 100*100*recipients >= least*wellPercent
	}
	mark := Mark{IsNear: isAt(nearPercent, before.IsNear), IsReached: isAt(100, before.IsReached)}
	left := max(most-recipients, 0)
	pause := max(time.Duration(left)*time.Second/perSecond, time.Duration(recipients)*time.Second/countedPerSecond)
	return Count{Mark: mark, Recipients: recipients, Next: min(max(pause, firstCount), lastCount)}
}

// CountDue counts the recipients of the accounts whose count is due. It fails only if the store does.
func (s *Syncer) CountDue(ctx context.Context) error {
	open := s.readable()
	if len(open) == 0 {
		return nil
	}
	limits, err := s.store.ListLimits(ctx, slices.Collect(maps.Keys(open)))
	if err != nil {
		return fmt.Errorf("find messaging limits: %w", err)
	}
	for _, l := range limits {
		o := open[l.Account]
		l.Group = groupOf(o)
		if !l.needsCount() {
			continue
		}
		if err := s.count(ctx, l, o.Provider); err != nil {
			return err
		}
	}
	return nil
}

// count counts the recipients of an account, if no other process does. A process that dies loses its claim at the end of the
// lease.
func (s *Syncer) count(ctx context.Context, l Limit, providerName string) error {
	claim, claimed, err := s.store.ClaimCount(ctx, l, countLease)
	if err != nil || !claimed {
		return wrap("claim count of recipients", err)
	}
	recipients := 0
	if l.Most > 0 {
		recipients, err = s.store.CountRecipients(ctx, s.sharing(providerName, l))
		if err != nil {
			return wrap("count recipients", err)
		}
	}
	c := judge(claim.Before, l.Most, recipients)
	saved, err := s.store.SaveCount(ctx, claim, c)
	if err != nil || !saved {
		return wrap("store count of recipients", err)
	}
	s.logCount(ctx, claim, c)
	return nil
}

// sharing returns the accounts that share a limit, also those that are disabled: their messages of the last 24 hours count.
func (s *Syncer) sharing(providerName string, l Limit) []string {
	var names []string
	for _, o := range s.accounts.List() {
		if o.Provider == providerName && o.Client != nil && groupOf(o) == l.Group {
			names = append(names, o.Name)
		}
	}
	return names
}

// groupOf returns what an account has in common with those that share its limit. Without a LimitSharer it shares it with none.
func groupOf(o accounts.Open) string {
	if sharer, shares := o.Client.(provider.LimitSharer); shares {
		return sharer.LimitGroup()
	}
	return "account " + o.Name
}

// logCount logs what has changed since the count before.
func (s *Syncer) logCount(ctx context.Context, claim CountClaim, c Count) {
	log := s.log.With(slog.String("account", claim.Account), slog.Int("recipients", c.Recipients), slog.Int("limit", claim.Most))
	switch before := claim.Before; {
	case c.IsReached && !before.IsReached:
		log.ErrorContext(ctx, "messaging limit is reached: no messages go out by the account")
	case !c.IsReached && before.IsReached:
		log.ErrorContext(ctx, "messaging limit is not reached any more: messages go out by the account again")
	case c.IsNear && !before.IsNear:
		log.WarnContext(ctx, "messaging limit is near: it is 80 % used")
	}
}
