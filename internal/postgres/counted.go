package postgres

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
)

// countRow is a group of sends. The fields of the other two ways to count are nil.
type countRow struct {
	Sends int64  `db:"sends"`
	Kind  string `db:"kind"`

	Bucket *time.Time `db:"bucket"` // over time

	Digest *int64     `db:"plan_digest"` // by plan
	Place  *string    `db:"place"`
	Newest *time.Time `db:"newest"`

	DeliveredBy backstop.Channel `db:"delivered_by"` // by delay; empty if the sends have not arrived
	Step        *int             `db:"step"`
	Longest     *float64         `db:"longest"` // in seconds
}

// kind has the properties by which countSends groups sends. The groups over time lack the last two.
type kind struct {
	fallback, averted, duplicate, scheduled bool

	outcome backstop.Outcome
	reason  backstop.FallbackReason
	country string
	fired   string
}

func readKind(text string) (kind, error) {
	const most = 5 // the last may have spaces
	part := append(strings.SplitN(text, " ", most), make([]string, most)...)
	flags, err := strconv.Atoi(part[0])
	if err != nil {
		return kind{}, fmt.Errorf("read kind of send: %w", err)
	}
	return kind{
		fallback: flags&1 > 0, averted: flags&2 > 0, duplicate: flags&4 > 0, scheduled: flags&8 > 0,
		outcome: backstop.Outcome(part[1]), reason: backstop.FallbackReason(part[2]), country: part[3], fired: part[4],
	}, nil
}

// slice is the result of countSends for one slice of the range.
type slice struct {
	rows  []countRow
	plans map[int64]backstop.Plan // by digest
}
