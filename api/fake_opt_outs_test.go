package api_test

import (
	"context"
	"slices"
	"strings"

	"github.com/backstophq/backstop"
)

// optOuts is a list of opt-outs in memory. If away is set, every method returns it.
type optOuts struct {
	entries []backstop.OptOut
	history []backstop.OptOutChange
	away    error
}

func (o *optOuts) find(number string, category backstop.OptOutCategory) int {
	return slices.IndexFunc(o.entries, func(e backstop.OptOut) bool { return e.To == number && e.Category == category })
}

func (o *optOuts) PutOptOut(_ context.Context, entry backstop.OptOut) (backstop.OptOut, error) {
	if i := o.find(entry.To, entry.Category); i >= 0 || o.away != nil {
		if o.away != nil {
			return backstop.OptOut{}, o.away
		}
		return o.entries[i], nil
	}
	entry.ID, entry.StoredAt = newID(), now
	if entry.Since.IsZero() {
		entry.Since = now
	}
	o.entries = append(o.entries, entry)
	o.history = append(o.history, backstop.OptOutChange{
		ID: newID(), To: entry.To, Category: entry.Category, IsOut: true, At: entry.Since, OptOutOrigin: entry.OptOutOrigin, StoredAt: now,
	})
	return entry, nil
}

func (o *optOuts) DeleteOptOut(
	_ context.Context, number string, category backstop.OptOutCategory, origin backstop.OptOutOrigin,
) error {
	if i := o.find(number, category); i >= 0 && o.away == nil {
		o.entries = slices.Delete(o.entries, i, i+1)
		o.history = append(o.history, backstop.OptOutChange{
			ID: newID(), To: number, Category: category, At: now, OptOutOrigin: origin, StoredAt: now,
		})
	}
	return o.away
}

func (o *optOuts) ListOptOuts(
	_ context.Context, f backstop.OptOutFilter, page backstop.Page,
) (list []backstop.OptOut, more bool, err error) {
	fits := slices.DeleteFunc(slices.Clone(o.entries), func(e backstop.OptOut) bool {
		return f.To != "" && e.To != f.To || !strings.HasSuffix(e.To, f.ToEnds) || f.Category != "" && e.Category != f.Category ||
			f.Source != "" && e.Source != f.Source
	})
	list, more = cut(fits, page, func(e backstop.OptOut) string { return e.ID })
	return list, more, o.away
}

func (o *optOuts) CountOptOuts(ctx context.Context, f backstop.OptOutFilter) (backstop.Total, error) {
	list, _, err := o.ListOptOuts(ctx, f, backstop.Page{Limit: 1000})
	return backstop.Total{Count: len(list), IsExact: true}, err
}

func (o *optOuts) OptOutChanges(
	_ context.Context, number string, page backstop.Page,
) (list []backstop.OptOutChange, more bool, err error) {
	fits := slices.DeleteFunc(slices.Clone(o.history), func(c backstop.OptOutChange) bool { return c.To != number })
	list, more = cut(fits, page, func(c backstop.OptOutChange) string { return c.ID })
	return list, more, o.away
}

func (o *optOuts) ImportOptOuts(ctx context.Context, entries []backstop.OptOut) (added int, err error) {
	for _, entry := range entries {
		if o.find(entry.To, entry.Category) < 0 {
			added++
		}
		if _, err := o.PutOptOut(ctx, entry); err != nil {
			return 0, err
		}
	}
	return added, nil
}

func (o *optOuts) IsOptedOut(_ context.Context, number string, category backstop.Category) (bool, error) {
	return slices.ContainsFunc(backstop.OptOutsThatStop(category), func(c backstop.OptOutCategory) bool {
		return o.find(number, c) >= 0
	}), o.away
}
