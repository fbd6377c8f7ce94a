package postgres

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// where is the condition of a query. The driver plans such a query anew for each call, with its values, so every combination of
// conditions finds its index.
type where struct {
	conditions []string
	values     []any
	first, end string // the parameters of the range of ids
}

// and adds a condition with a question mark for each of its values.
func (w *where) and(condition string, values ...any) {
	for _, value := range values {
		condition = strings.Replace(condition, "?", w.param(value), 1)
	}
	w.conditions = append(w.conditions, condition)
}

// param adds a value and returns its parameter.
func (w *where) param(value any) string {
	w.values = append(w.values, value)
	return fmt.Sprintf("$%d", len(w.values))
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return "true"
	}
	return strings.Join(w.conditions, "\n    AND ")
}

// idRange is a range of the ids of sends. It includes first and not end.
type idRange struct{ first, end string }

// rangeOf returns the ids of the sends that were accepted in the range of a filter.
func rangeOf(f backstop.SendFilter) idRange {
	ids := idRange{uuid.Nil.String(), uuid.Max.String()}
	if !f.From.IsZero() {
		ids.first = pool.MinID(f.From.Add(-idSlack))
	}
	if !f.Until.IsZero() {
		ids.end = pool.MinID(f.Until.Add(idSlack))
	}
	return ids
}

// sendsThat returns the condition for the sends of a range of ids that pass a filter; false if there are none. Its columns are
// those of the table sends, without an alias.
func sendsThat(f backstop.SendFilter, ids idRange) (w where, found bool) {
	w.first, w.end = w.param(ids.first), w.param(ids.end)
	w.and(`id >= ` + w.first)
	w.and(`id < ` + w.end)
	if !f.From.IsZero() {
		w.and(`accepted_at >= ?`, pool.Stamp(f.From))
	}
	if !f.Until.IsZero() {
		w.and(`accepted_at < ?`, pool.Stamp(f.Until))
	}
	if f.PolicyID != "" {
		id, ok := pool.ParseID(f.PolicyID)
		if !ok {
			return where{}, false
		}
		w.and(`policy_id = ?`, id)
	}
	if f.To != "" {
		w.and(`reverse(recipient) = reverse(?)`, f.To)
	}
	if f.ToEnds != "" {
		w.and(`reverse(recipient) LIKE reverse(?) || '%'`, f.ToEnds)
	}
	if f.CorrelationID != "" {
		w.and(`correlation_id <> ''`) // the predicate of the index
		w.and(`correlation_id = ?`, f.CorrelationID)
	}
	andIs(&w, f.OwnRules, `policy_id IS NULL`)
	if f.Country != nil {
		w.and(`country = ?`, *f.Country)
	}
	andAnyOf(&w, `outcome`, f.Outcomes)
	andIs(&w, &f.IsTest, `is_test`)
	andIs(&w, f.Scheduled, isScheduled)
	andFallback(&w, f)
	andMessages(&w, f)
	return w, true
}

// andAnyOf compares a single value by itself: an index on the column then returns rows in the order of its next column.
func andAnyOf[T ~string](w *where, column string, values []T) {
	switch len(values) {
	case 0:
	case 1:
		w.and(column+` = ?`, string(values[0]))
	default:
		texts := make(pq.StringArray, len(values))
		for i, value := range values {
			texts[i] = string(value)
		}
		w.and(column+` = ANY(?)`, texts)
	}
}

// isScheduled is the condition of backstop.Send.IsScheduled on a send: the predicate of its indexes.
const isScheduled = `send_at IS NOT NULL AND started_at IS NULL AND finished_at IS NULL`

func andFallback(w *where, f backstop.SendFilter) {
	if f.Rule != "" || f.RuleType != "" || len(f.Reasons) > 0 {
		w.and(`fired <> ''`) // the predicate of the indexes
	}
	if f.Rule != "" {
		w.and(`fired = ?`, f.Rule)
	}
	if f.RuleType != "" {
		// Postgres estimates that a CASE fits half of the rows, and that @> alone fits nearly none.
		const isOfType = `CASE
        WHEN plan -> 'rules' @> jsonb_build_array(jsonb_build_object('name', fired, 'type', ?::text)) THEN true END`
		w.and(isOfType, string(f.RuleType))
	}
	andAnyOf(w, `fallback_reason`, f.Reasons)
	andIs(w, f.FellBack, `fired <> ''`)
	andIs(w, f.Duplicate, `duplicate_delivery`)
	andIs(w, f.Averted, `EXISTS (SELECT FROM events WHERE send = sends.id AND kind = 'averted')`)
}

func andIs(w *where, is *bool, condition string) {
	switch {
	case is == nil:
	case *is:
		w.and(condition)
	default:
		w.and(`NOT (` + condition + `)`)
	}
}

// The conditions of backstop.SMSResult on an attempt and its send.
const (
	smsDelivered = `attempts.status IN ('delivered', 'read')`
	smsFailed    = `attempts.status NOT IN ('delivered', 'read') AND (attempts.status = 'failed' OR attempts.state = 'rejected'
        OR attempts.state IN ('throttled', 'unavailable') AND sends.finished_at IS NOT NULL)`
	smsNoReceipt = `NOT (` + smsDelivered + `) AND NOT (` + smsFailed + `)`
	smsResult    = `CASE WHEN ` + smsDelivered + ` THEN 'delivered' WHEN ` + smsFailed + ` THEN 'failed' ELSE 'no_receipt' END`
)

// failureCode and failureClass are those of backstop.Attempt.Why. An attempt has one only if hasFailed, the predicate of the
// index, holds.
const (
	hasFailed    = `(attempts.refusal IS NOT NULL OR attempts.failure IS NOT NULL)`
	failureCode  = `(COALESCE(attempts.refusal, attempts.failure) ->> 'code')`
	failureClass = `(COALESCE(attempts.refusal, attempts.failure) ->> 'class')`
)

func andMessages(w *where, f backstop.SendFilter) {
	if f.SMS != (backstop.SMSFilter{}) {
		conditions := []string{`attempts.channel = 'sms'`}
		switch f.SMS.Result {
		case backstop.SMSDelivered:
			conditions = append(conditions, smsDelivered)
		case backstop.SMSFailed:
			conditions = append(conditions, smsFailed)
		case backstop.SMSNoReceipt:
			conditions = append(conditions, smsNoReceipt)
		}
		w.andAttempt(conditions, []equality{{`attempts.send_id`, f.SMS.Sender}, {accountOfAttempt, f.SMS.Route}})
	}
	if f.Failure != (backstop.CodeFilter{}) {
		w.andAttempt([]string{hasFailed}, []equality{{failureCode, f.Failure.Code}, {`attempts.provider`, f.Failure.Provider}})
	}
}

// equality is an expression and the value that it must have; an empty value asks for nothing.
type equality struct{ expression, value string }

// andAttempt adds that one attempt of the send fits all conditions and has all values. It repeats the range, which Postgres does
// not conclude from the join. It compares rows, not ids: for a range of ids Postgres may expect one attempt, and then read the
// whole range for each send. For a range of rows it expects many.
func (w *where) andAttempt(conditions []string, values []equality) {
	const place = `(attempts.send, attempts.step)`
	conditions = append(conditions, place+` >= (`+w.first+`, 0)`, place+` < (`+w.end+`, 0)`)
	for _, e := range values {
		if e.value != "" {
			conditions = append(conditions, e.expression+` = `+w.param(e.value))
		}
	}
	w.and(`EXISTS (SELECT FROM attempts WHERE attempts.send = sends.id AND ` + strings.Join(conditions, ` AND `) + `)`)
}
