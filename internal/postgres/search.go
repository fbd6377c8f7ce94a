package postgres

import (
	"context"
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// searchSends returns the query of the newest sends that fit a condition on the table.
func searchSends(condition string) string {
	return `SELECT ` + ledgers.Columns.Names() + ` FROM sends WHERE ` + condition + ` ORDER BY id DESC LIMIT $2`
}

var (
	searchByKey = searchSends(`idempotency_key = $1`)
	// searchByMessage looks a message id up under each provider, because the index begins with the provider. There are few.
	searchByMessage = searchSends(`id IN (
    WITH RECURSIVE providers AS (
        (SELECT provider FROM attempts WHERE message_id <> '' ORDER BY provider LIMIT 1)
        UNION ALL
        SELECT (
            SELECT a.provider FROM attempts AS a WHERE message_id <> '' AND a.provider > p.provider ORDER BY a.provider LIMIT 1
        ) FROM providers AS p WHERE p.provider IS NOT NULL
    )
    SELECT a.send FROM providers AS p JOIN attempts AS a ON a.provider = p.provider AND a.message_id = $1 AND message_id <> ''
)`)
	searchByID = searchSends(`id >= $1::uuid AND id <= $3::uuid`)
)

// idStart matches the first digits of a send's id, without its hyphens. Fewer than 8 would be the time of many sends.
var idStart = regexp.MustCompile(`^[0-9a-fA-F]{8,32}$`)

// searchWay is a way to find sends.
type searchWay struct {
	by     backstop.FoundBy
	filter backstop.SendFilter // of all sends that fit, if a list of sends has such a filter
	find   func(context.Context) ([]backstop.Send, error)
}

// FindSends tries the ways to search in turn. It returns the newest sends of the first way with a result.
func (db *DB) FindSends(ctx context.Context, text string, limit int) (backstop.FoundSends, error) {
	text = pool.Clean(strings.TrimSpace(text))
	for _, way := range db.searchWays(text, limit+1) {
		list, err := way.find(ctx)
		if err != nil {
			return backstop.FoundSends{}, err
		}
		if len(list) > 0 {
			list, more := cutPage(list, limit)
			return backstop.FoundSends{By: way.by, Filter: way.filter, Sends: list, More: more}, nil
		}
	}
	return backstop.FoundSends{By: backstop.FoundNothing}, db.refuseEnds("q", backstop.ReadNumber(text).ToEnds...)
}

// searchWays returns the ways to search for a text. Exact matches come first.
func (db *DB) searchWays(text string, limit int) []searchWay {
	by := func(by backstop.FoundBy, query string, values ...any) searchWay {
		return searchWay{by: by, find: func(ctx context.Context) ([]backstop.Send, error) {
			return db.selectSends(ctx, query, values...)
		}}
	}
	byFilter := func(by backstop.FoundBy, filter backstop.SendFilter) searchWay {
		return searchWay{by: by, filter: filter, find: func(ctx context.Context) ([]backstop.Send, error) {
			list, _, err := db.ListSends(ctx, filter, backstop.Page{Limit: limit})
			return list, err
		}}
	}
	ways := []searchWay{
		by(backstop.FoundByKey, searchByKey, text, limit),
		byFilter(backstop.FoundByCorrelation, backstop.SendFilter{CorrelationID: text}),
		by(backstop.FoundByMessage, searchByMessage, db.seals.Hide(seals.MessageID, text), limit),
	}
	if first, last, ok := readIDStart(text); ok {
		ways = append(ways, by(backstop.FoundByID, searchByID, first, limit, last))
	}
	number := backstop.ReadNumber(text)
	if number.To != "" {
		ways = append(ways, byFilter(backstop.FoundByNumber, backstop.SendFilter{To: number.To}))
	}
	for _, ends := range number.ToEnds {
		if db.seals.IsSealed() {
			break
		}
		ways = append(ways, byFilter(backstop.FoundByNumberEnd, backstop.SendFilter{ToEnds: ends}))
	}
	return ways
}

func (db *DB) selectSends(ctx context.Context, query string, values ...any) ([]backstop.Send, error) {
	var rows []ledgers.Row
	if err := db.pool.SelectUnprepared(ctx, &rows, query, values...); err != nil {
		return nil, pool.Failed(ctx, "search sends", err)
	}
	return db.SendsOf(rows)
}

// readIDStart returns the first and the last id that begin with a text; false if no id does.
func readIDStart(text string) (first, last string, ok bool) {
	text = strings.ReplaceAll(text, "-", "")
	if !idStart.MatchString(text) {
		return "", "", false
	}
	const digits = 32
	missing := digits - len(text)
	return text + strings.Repeat("0", missing), text + strings.Repeat("f", missing), true
}
