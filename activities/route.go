package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/backstophq/backstop"
)

// Route is a configured SMS provider account. Its name is what rules say, its driver's name is what attempts and receipts
// do, so that several accounts may share a driver.
type Route struct {
	Name string
	SMS  SMS
}

// checkRoutes refuses what no rule could name.
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

// route finds a route by its name; without one, it is the default.
func (a *Activities) route(name string) Route {
	if name == "" {
		return a.sms[0]
	}
	if i := slices.IndexFunc(a.sms, func(r Route) bool { return r.Name == name }); i >= 0 {
		return a.sms[i]
	}
	return Route{Name: name, SMS: unrouted(name)}
}

// breakerOf returns the circuit breaker of the account that a call goes to.
func (a *Activities) breakerOf(step Step, c backstop.Call) breaker {
	if c.Channel == backstop.WhatsApp {
		return a.breakers[""]
	}
	return a.breakers[a.route(step.Route).Name]
}

// unrouted stands in for the driver of a route that is not configured any more. It rejects every message, so that the
// next rule is tried, and an operator is told; the route's name is all that its attempts can say of a provider.
type unrouted string

func (u unrouted) Name() string { return string(u) }

func (u unrouted) SendSMS(context.Context, backstop.SMSMessage) (backstop.Submission, error) {
	return backstop.Submission{}, &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: fmt.Sprintf("route %q is not configured", string(u)),
	}
}
