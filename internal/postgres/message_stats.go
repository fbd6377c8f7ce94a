package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const (
	maxSenders = 100
	maxCodes   = 100
)

// accountOfAttempt is the account of an attempt. Before accounts had names, it was the provider's.
const accountOfAttempt = `COALESCE(NULLIF(attempts.account, ''), attempts.provider)`

// smsGroup is a part of countSMS and of countedSMS: the groups of SMS. Each has one step of the time to delivery, as in
// countSends.
const smsGroup = `attempts.send_id AS sender, ` + accountOfAttempt + ` AS route, attempts.provider, country,
        ` + smsResult + ` AS result,
        COALESCE(` + failureCode + `, '') AS code, COALESCE(` + failureClass + `, '') AS class,
        delay, round(100 * ln(greatest(delay, 0.001)))::int AS step
    FROM attempts JOIN sends ON sends.id = attempts.send
    CROSS JOIN LATERAL (SELECT CASE WHEN delivered_by = 'sms' AND attempts.status IN ('delivered', 'read')
        THEN greatest(date_part('epoch', delivered_at - attempts.started_at), 0) END AS delay) AS l`

// countSMS counts the SMS of the sends that fit a condition. As in countSends, OFFSET 0 hides the parts of the groups.
func countSMS(w *where) string {
	return `SELECT sender, route, provider, country, result, code, class, step, count(*) AS sms, max(delay) AS longest
FROM (
    SELECT ` + smsGroup + `
    WHERE attempts.channel = 'sms' AND ` + w.String() + `
    OFFSET 0
) AS m
GROUP BY sender, route, provider, country, result, code, class, step`
}

// countCodes counts a send once for each code, even if two of its messages failed with it.
func countCodes(w *where) string {
	return `SELECT attempts.provider, attempts.channel, COALESCE(` + failureCode + `, '') AS code,
    COALESCE(` + failureClass + `, '') AS class, count(DISTINCT attempts.send) AS sends
FROM attempts JOIN sends ON sends.id = attempts.send
WHERE ` + hasFailed + ` AND ` + w.String() + `
GROUP BY 1, 2, 3, 4`
}

type smsRow struct {
	Sender   string               `db:"sender"`
	Route    string               `db:"route"`
	Provider string               `db:"provider"`
	Country  string               `db:"country"`
	Result   backstop.SMSResult   `db:"result"`
	Code     string               `db:"code"`
	Class    backstop.RejectClass `db:"class"`
	Step     int                  `db:"step"`
	SMS      int64                `db:"sms"`
	Longest  *float64             `db:"longest"` // in seconds; nil if none of them brought the message
}

type codeRow struct {
	Provider string               `db:"provider"`
	Channel  backstop.Channel     `db:"channel"`
	Code     string               `db:"code"`
	Class    backstop.RejectClass `db:"class"`
	Sends    int64                `db:"sends"`
}

// MessageStats counts the messages of the sends that pass a valid filter. An Error of code TryLater says that there are too many,
// if it is not Postgres that is away.
func (db *DB) MessageStats(ctx context.Context, f backstop.StatsFilter) (backstop.MessageStats, error) {
	stats := backstop.MessageStats{Filter: f}
	policy := sql.NullString{Valid: f.PolicyID != ""}
	if policy.Valid {
		if policy.String, policy.Valid = pool.ParseID(f.PolicyID); !policy.Valid {
			return stats, nil
		}
	}
	err := db.inStatsTx(ctx, "count messages", func(ctx context.Context, tx *sqlx.Tx) error {
		c, err := planCounting(ctx, tx, pool.Stamp(f.From), pool.Stamp(f.Until), true)
		if err != nil {
			return err
		}
		var sms []smsRow
		var codes []codeRow
		for _, s := range c.rows {
			of := f
			of.From, of.Until = s.from, s.until
			if sms, codes, err = addMessages(ctx, tx, of, sms, codes); err != nil {
				return err
			}
		}
		counters, err := c.counters(ctx, tx, sumCounts, policy, partSMS, partCode)
		if err != nil {
			return err
		}
		if sms, codes, err = addMessageCounters(counters, sms, codes); err != nil {
			return err
		}
		stats.BySender, stats.ByCode = tallySenders(sms), tallyCodes(codes)
		return nil
	})
	return stats, err
}

// addMessages counts the messages of the sends of a range.
func addMessages(
	ctx context.Context, tx *sqlx.Tx, f backstop.StatsFilter, sms []smsRow, codes []codeRow,
) ([]smsRow, []codeRow, error) {
	w, found := messagesThat(f)
	if !found {
		return sms, codes, nil
	}
	var moreSMS []smsRow
	if err := tx.SelectContext(ctx, &moreSMS, countSMS(w), w.values...); err != nil {
		return nil, nil, fmt.Errorf("count sms: %w", err)
	}
	var moreCodes []codeRow
	if err := tx.SelectContext(ctx, &moreCodes, countCodes(w), w.values...); err != nil {
		return nil, nil, fmt.Errorf("count codes: %w", err)
	}
	return append(sms, moreSMS...), append(codes, moreCodes...), nil
}

func addMessageCounters(counters []counterRow, sms []smsRow, codes []codeRow) ([]smsRow, []codeRow, error) {
	for _, counter := range counters {
		if counter.Part == partCode {
			row, err := counter.codeRow()
			if err != nil {
				return nil, nil, err
			}
			codes = append(codes, row)
			continue
		}
		row, err := counter.smsRow()
		if err != nil {
			return nil, nil, err
		}
		sms = append(sms, row)
	}
	return sms, codes, nil
}

// tallyCodes adds up the sends of each code.
func tallyCodes(rows []codeRow) (list []backstop.CountsOfCode) {
	sums := map[codeRow]int64{} // by the code, without its number
	for _, r := range rows {
		n := r.Sends
		r.Sends = 0
		sums[r] += n
	}
	for of, n := range sums {
		of.Sends = n
		list = append(list, backstop.CountsOfCode(of))
	}
	slices.SortFunc(list, func(a, b backstop.CountsOfCode) int {
		return cmp.Or(cmp.Compare(b.Sends, a.Sends), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Class, b.Class))
	})
	return firstOf(list, maxCodes)
}

// messagesThat returns the condition for the attempts of the sends of a range; false if there are none.
func messagesThat(f backstop.StatsFilter) (*where, bool) {
	filter := backstop.SendFilter{From: f.From, Until: f.Until, PolicyID: f.PolicyID}
	w, found := sendsThat(filter, rangeOf(filter))
	w.and(`attempts.send >= ` + w.first) // Postgres does not conclude it from the join
	w.and(`attempts.send < ` + w.end)
	return &w, found
}

// smsTally adds up the SMS of one sender, or of one sender in one country.
type smsTally struct {
	results map[backstop.SMSResult]int64
	delays  delays
	codes   map[backstop.CountsOfCode]int64 // by the code, without its number
}

func newSMSTally() *smsTally {
	return &smsTally{
		results: map[backstop.SMSResult]int64{}, delays: delays{}, codes: map[backstop.CountsOfCode]int64{},
	}
}

func (t *smsTally) add(r smsRow) {
	t.results[r.Result] += r.SMS
	if r.Longest != nil {
		t.delays.add(r.Step, delay{n: r.SMS, longest: *r.Longest})
	}
	if r.Code != "" {
		t.codes[backstop.CountsOfCode{Provider: r.Provider, Channel: backstop.SMS, Code: r.Code, Class: r.Class}] += r.SMS
	}
}

func (t *smsTally) counts() backstop.SMSCounts {
	c := backstop.SMSCounts{Results: t.results, TimeToDelivery: t.delays.quantiles()}
	for _, n := range t.results {
		c.SMS += n
	}
	for code, n := range t.codes {
		code.Sends = n
		if n > c.TopCode.Sends || (n == c.TopCode.Sends && code.Code < c.TopCode.Code) {
			c.TopCode = code
		}
	}
	return c
}

type senderKey struct{ sender, route string }

func tallySenders(rows []smsRow) (list []backstop.CountsOfSender) {
	all, byCountry := map[senderKey]*smsTally{}, map[senderKey]map[string]*smsTally{}
	for _, r := range rows {
		of := senderKey{r.Sender, r.Route}
		if all[of] == nil {
			all[of], byCountry[of] = newSMSTally(), map[string]*smsTally{}
		}
		if byCountry[of][r.Country] == nil {
			byCountry[of][r.Country] = newSMSTally()
		}
		all[of].add(r)
		byCountry[of][r.Country].add(r)
	}
	for of, t := range all {
		c := backstop.CountsOfSender{Sender: of.sender, Route: of.route, SMSCounts: t.counts()}
		for country, t := range byCountry[of] {
			c.ByCountry = append(c.ByCountry, backstop.CountsOfSenderIn{Country: country, SMSCounts: t.counts()})
		}
		slices.SortFunc(c.ByCountry, func(a, b backstop.CountsOfSenderIn) int {
			return cmp.Or(cmp.Compare(b.SMS, a.SMS), cmp.Compare(a.Country, b.Country))
		})
		c.ByCountry = firstOf(c.ByCountry, maxCountries)
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b backstop.CountsOfSender) int {
		return cmp.Or(cmp.Compare(b.SMS, a.SMS), cmp.Compare(a.Sender, b.Sender), cmp.Compare(a.Route, b.Route))
	})
	return firstOf(list, maxSenders)
}

// inStatsTx runs a function in a transaction for statistics, with the bounds of DB.Stats.
func (db *DB) inStatsTx(ctx context.Context, what string, run func(context.Context, *sqlx.Tx) error) error {
	limited, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	tx, err := db.beginStats(limited)
	if err != nil {
		return pool.Failed(ctx, what, tooMany(ctx, err))
	}
	defer tx.Rollback() // it has written nothing
	return pool.Failed(ctx, what, tooMany(ctx, run(limited, tx)))
}
