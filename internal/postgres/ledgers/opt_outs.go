package ledgers

import (
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// OptOutRow is an entry of the list of opt-outs. It is written as JSON.
type OptOutRow struct {
	ID       string                  `db:"id"        json:"id"        type:"uuid"`
	To       string                  `db:"recipient" json:"recipient" type:"text"`
	Category backstop.OptOutCategory `db:"category"  json:"category"  type:"text"`
	Since    time.Time               `db:"since"     json:"since"     type:"timestamptz"`
	StoredAt time.Time               `db:"stored_at" json:"stored_at" type:"timestamptz"`

	OptOutOrigin //nolint:embeddedstructfieldcheck // its columns come last
}

// OptOutOrigin are the columns that say where an entry or a change came from.
type OptOutOrigin struct {
	Source   backstop.OptOutSource `db:"source"   json:"source"   type:"text"`
	Channel  backstop.Channel      `db:"channel"  json:"channel"  type:"text"`
	Provider string                `db:"provider" json:"provider" type:"text"`
	Account  string                `db:"account"  json:"account"  type:"text"`
	Code     string                `db:"code"     json:"code"     type:"text"`
	Send     *string               `db:"send"     json:"send"     type:"uuid"`
	Inbound  string                `db:"inbound"  json:"inbound"  type:"text"`
	Note     string                `db:"note"     json:"note"     type:"text"`
}

// NewOptOut is a new entry. A phone that is known by several numbers has an entry for each.
type NewOptOut struct {
	OptOutRow

	Notations []string `json:"notations" type:"text[]"` // all numbers of the phone
}

// OptOutColumns are the columns of an entry. OptOutOrigins are those of its origin.
var (
	OptOutColumns = pool.ColumnsOf[OptOutRow]()
	OptOutOrigins = pool.ColumnsOf[OptOutOrigin]()

	newOptOutColumns = pool.ColumnsOf[NewOptOut]()
)

// AddOptOuts returns the parts of a statement that insert the entries in a parameter, with their lines in the history. The part
// opt_out returns the new entries. An entry that exists stays as it is. The message of a person may arrive late: if the person
// has written START since, there is no entry.
func AddOptOuts(from, param string) string {
	return `opt_out AS (
    INSERT INTO opt_outs (` + OptOutColumns.Names() + `)
    SELECT ` + OptOutColumns.NamesIn("u") + ` FROM ` + from + newOptOutColumns.Recordset(param) + `
    WHERE u.source NOT IN ('message', 'preference', 'provider') OR NOT EXISTS (
        SELECT FROM inbound AS i WHERE i.sender = ANY(u.notations) AND i.keyword = 'start' AND i.category IN ('', u.category)
            AND date_trunc('second', i.at) > date_trunc('second', u.since)
    )
    ON CONFLICT (recipient, category) DO NOTHING
    RETURNING ` + OptOutColumns.Names() + `
), opt_out_change AS (
    INSERT INTO opt_out_changes (is_out, id, recipient, category, at, stored_at, ` + OptOutOrigins.Names() + `)
    SELECT true, id, recipient, category, since, stored_at, ` + OptOutOrigins.Names() + ` FROM opt_out
)`
}

// NumbersOf returns all numbers of a phone as they are stored.
func (s *Store) NumbersOf(number string) pq.StringArray {
	numbers := pq.StringArray(backstop.Notations(number))
	for i, n := range numbers {
		numbers[i] = s.seals.Hide(seals.Number, n)
	}
	return numbers
}

// NewOptOuts returns the rows of a new entry.
func (s *Store) NewOptOuts(o backstop.OptOut, now time.Time) ([]NewOptOut, error) {
	if !backstop.IsE164(o.To) { // no constraint can see it in a token
		return nil, errors.New("the recipient of an opt-out is no number")
	}
	since := o.Since
	if since.IsZero() || since.After(now) { // a provider's clock may be ahead
		since = now
	}
	numbers := s.NumbersOf(o.To)
	rows := make([]NewOptOut, len(numbers))
	for i, number := range numbers {
		id, err := pool.NewIDAt(now)
		if err != nil {
			return nil, err
		}
		rows[i] = NewOptOut{Notations: numbers, OptOutRow: OptOutRow{
			ID: id, To: number, Category: o.Category, Since: pool.Stamp(since), StoredAt: pool.Stamp(now),
			OptOutOrigin: s.OptOutOriginOf(o.OptOutOrigin),
		}}
	}
	return rows, nil
}

// OptOutOriginOf returns the columns of an origin.
func (s *Store) OptOutOriginOf(o backstop.OptOutOrigin) OptOutOrigin {
	row := OptOutOrigin{
		Source: o.Source, Channel: o.Channel, Provider: pool.Clean(o.Provider), Account: pool.Clean(o.Account),
		Code: pool.Clean(o.Code), Inbound: s.seals.Hide(seals.MessageID, pool.Clean(o.Inbound)),
		Note: s.seals.Hide(seals.Words, pool.Clean(o.Note)),
	}
	if o.Send != "" {
		row.Send = &o.Send
	}
	return row
}

// OriginOf returns the origin of a row.
func (s *Store) OriginOf(r OptOutOrigin) backstop.OptOutOrigin {
	o := backstop.OptOutOrigin{
		Source: r.Source, Channel: r.Channel, Provider: r.Provider, Account: r.Account, Code: r.Code,
		Inbound: s.seals.Show(seals.MessageID, r.Inbound), Note: s.seals.Show(seals.Words, r.Note),
	}
	if r.Send != nil {
		o.Send = *r.Send
	}
	return o
}

// optOutRows returns the entries that a change of a send adds: one for each category that the refusal means.
func (s *Store) optOutRows(l *backstop.Ledger) ([]NewOptOut, error) {
	rows := []NewOptOut{}
	for _, o := range l.OptOuts {
		for _, o.Category = range s.optOuts.CategoriesOf(o.Channel) {
			entries, err := s.NewOptOuts(o, s.pool.Now())
			if err != nil {
				return nil, err
			}
			rows = append(rows, entries...)
		}
	}
	return rows, nil
}

// Stopping returns the categories of opt-outs that stop a send, as a parameter.
func Stopping(c backstop.Category) pq.StringArray {
	var list pq.StringArray
	for _, category := range backstop.OptOutsThatStop(c) {
		list = append(list, string(category))
	}
	return list
}
