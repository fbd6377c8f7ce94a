package api

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop"
)

// accountPage selects a part of the list of accounts. There are few accounts, so the list is sorted and cut here.
type accountPage struct {
	sort  backstop.Sort
	after *accountPlace // of the last item of the page before; nil: the first page
	limit int
}

// accountPlace is the place of an account in a list: its value in the field of the sort, then its name.
type accountPlace struct{ value, name string }

func (p accountPlace) compare(other accountPlace) int {
	return cmp.Or(strings.Compare(p.value, other.value), strings.Compare(p.name, other.name))
}

// readAccountPage reads the parameters of the list. A cursor is "<sort> <value> <name>" in base64.
func readAccountPage(cursor *string, limit *int, sort backstop.Sort) (accountPage, error) {
	p := accountPage{sort: sort, limit: defaultLimit}
	if limit != nil {
		p.limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*cursor)
	parts := strings.Split(string(text), " ")
	if err != nil || len(parts) != 3 || parts[2] == "" {
		return p, badCursor()
	}
	if parts[0] != string(sort) {
		return p, badField("cursor", backstop.FieldCursor, "belongs to another order: send the same order with each cursor")
	}
	p.after = &accountPlace{value: parts[1], name: parts[2]}
	return p, nil
}

// of returns the page of the accounts that pass a filter, how many there are, and the cursor of the next page.
func (p accountPage) of(
	all []backstop.AccountState, filter backstop.AccountFilter,
) (items []backstop.AccountState, total backstop.Total, next *string) {
	for _, a := range all {
		if filter.Selects(a.Account) {
			items = append(items, a)
		}
	}
	total = backstop.Total{Count: len(items), IsExact: true}
	slices.SortFunc(items, func(a, b backstop.AccountState) int { return p.compare(p.placeOf(a), p.placeOf(b)) })
	if p.after != nil {
		items = slices.DeleteFunc(items, func(a backstop.AccountState) bool { return p.compare(p.placeOf(a), *p.after) <= 0 })
	}
	if len(items) > p.limit {
		items = items[:p.limit]
		last := p.placeOf(items[p.limit-1])
		next = new(base64.RawURLEncoding.EncodeToString([]byte(string(p.sort) + " " + last.value + " " + last.name)))
	}
	return items, total, next
}

func (p accountPage) compare(a, b accountPlace) int {
	switch p.sort {
	case backstop.ByNewest, backstop.ByNewestChange, backstop.ByNameBackwards:
		return b.compare(a)
	case backstop.ByOldest, backstop.ByOldestChange, backstop.ByName:
	}
	return a.compare(b)
}

func (p accountPage) placeOf(a backstop.AccountState) accountPlace {
	place := accountPlace{name: a.Name}
	switch p.sort {
	case backstop.ByNewest, backstop.ByOldest:
		place.value = sortable(a.CreatedAt)
	case backstop.ByNewestChange, backstop.ByOldestChange:
		place.value = sortable(a.UpdatedAt)
	case backstop.ByName, backstop.ByNameBackwards:
	}
	return place
}

// sortable returns a time as a text. The texts sort as the times do.
func sortable(t time.Time) string {
	return fmt.Sprintf("%020d", max(t.UnixMicro(), 0)) // accounts of the environment have no time: they are the oldest
}
