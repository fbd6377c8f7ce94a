package backstop

import (
	"fmt"
	"slices"
)

// MaxRoutes is how many accounts a rule may name.
const MaxRoutes = 8

// Route is an account that may send a rule's SMS.
type Route struct {
	Account string `json:"account"`
	SendID  string `json:"send_id,omitempty"` // in place of the rule's; empty: the rule's
}

// Accounts finds the accounts that a send may use.
type Accounts interface {
	// Account returns the account of this name, or false.
	Account(name string) (Account, bool)
	// DefaultAccount returns the name of the account for sends and rules that name none, or "" if there is none.
	DefaultAccount(channel Channel, country string) string
}

// ValidateRoutes returns an Error of code Invalid if a route of the rule names no SMS account, or is wrong.
func (r Rule) ValidateRoutes(accounts Accounts) error {
	var f fields
	if len(r.Routes) > MaxRoutes {
		f.addMax("routes", FieldItemsMax, "must have at most %d accounts", MaxRoutes)
	}
	for i, route := range r.Routes {
		name := fmt.Sprintf("routes.%d.", i)
		account, found := accounts.Account(route.Account)
		isTwice := slices.ContainsFunc(r.Routes[:i], func(o Route) bool { return o.Account == route.Account })
		switch {
		case !found || account.Channel != SMS:
			f.add(name+"account", FieldUnknownAccount, "is not an SMS account: see GET /v1/accounts", "channel", string(SMS))
		case isTwice:
			f.add(name+"account", FieldGivenTwice, "is given twice")
		}
		if route.SendID == "" {
			continue
		}
		if reason := checkSendID(route.SendID); reason != "" {
			f.add(name+"send_id", FieldSendID, reason)
		}
	}
	return f.err("the rule is not valid")
}

// routesFor returns the rule's routes for recipients of a country. It leaves out accounts that do not serve the country, and
// accounts that are gone or disabled if another is left. A rule without routes has the default account.
func (r Rule) routesFor(country string, accounts Accounts) []Route {
	if len(r.Routes) == 0 {
		if name := accounts.DefaultAccount(SMS, country); name != "" {
			return []Route{{Account: name}}
		}
		return nil
	}
	var serving, working []Route
	for _, route := range r.Routes {
		account, found := accounts.Account(route.Account)
		if found && !account.Serves(country) {
			continue
		}
		serving = append(serving, route)
		if found && !account.IsDisabled {
			working = append(working, route)
		}
	}
	if len(working) > 0 {
		return working
	}
	return serving
}

// isDisabled reports whether all accounts of the rule are disabled.
func (r Rule) isDisabled(accounts Accounts) bool {
	return !slices.ContainsFunc(r.Routes, func(route Route) bool {
		account, found := accounts.Account(route.Account)
		return !found || !account.IsDisabled
	})
}

// route returns a route of the rule by its index. A plan of an earlier version has rules without routes.
func (r Rule) route(i int) Route {
	if i < len(r.Routes) {
		return r.Routes[i]
	}
	return Route{}
}

// sendIDOf returns the sender ID of a route.
func (r Rule) sendIDOf(i int) string {
	if id := r.route(i).SendID; id != "" {
		return id
	}
	return r.SendID
}
