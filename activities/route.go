package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/backstophq/backstop"
)

// Route is a configured SMS provider account. Rules have the route's name. Attempts and receipts have the driver's name, so
// several accounts may share a driver.
type Route struct {
	Name string
	SMS  SMS
}

// checkRoutes refuses routes without a driver, and names that no rule can have.
func checkRoutes(routes []Route) error {
	names := make([]string, len(routes))
	for i, r := range routes {
		if r.SMS == nil {
			return fmt.Errorf("route %q: has no driver", r.Name)
		}
		names[i] = r.Name
	}
	return backstop.ValidateRoutes(names)
}

// routeNamed finds a route by its name. The empty name is the default route.
func (a *Activities) routeNamed(name string) Route {
	if name == "" {
		return a.sms[0]
	}
	if i := slices.IndexFunc(a.sms, func(r Route) bool { return r.Name == name }); i >= 0 {
		return a.sms[i]
	}
	return Route{Name: name, SMS: unrouted(name)}
}

// unrouted replaces the driver of a route that is not configured any more. It rejects every message as a fault of the account, so
// the log has an error, and the next rule is tried. The provider of its attempts is the route's name.
type unrouted string

func (u unrouted) Name() string { return string(u) }

func (u unrouted) SendSMS(context.Context, backstop.SMSMessage) (backstop.Submission, error) {
	return backstop.Submission{}, &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: fmt.Sprintf("route %q is not configured", string(u)),
	}
}
