package backstop

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// routeName is the shape of the name of a route: a driver's name, or what an operator calls one of several accounts.
var routeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// ValidateRoutes checks the names of the routes that are configured, of which the first is the default.
func ValidateRoutes(names []string) error {
	if len(names) == 0 {
		return errors.New("no route is configured")
	}
	for i, name := range names {
		switch {
		case !routeName.MatchString(name):
			return fmt.Errorf("route %q: must be 1 to 64 small letters, digits, - and _", name)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("route %q: is configured twice", name)
		}
	}
	return nil
}

// ValidateRoute returns an Error of code Invalid when the rule names a route that is not one of these.
func (r Rule) ValidateRoute(routes []string) error {
	var f fields
	if r.Route != "" && !slices.Contains(routes, r.Route) {
		names := strings.Join(routes, ", ")
		f.add("route", FieldUnknownRoute, "is not configured; the routes are "+names, "routes", names)
	}
	return f.err("the rule is not valid")
}
