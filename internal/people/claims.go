package people

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/backstophq/backstop"
)

// claims are what the provider says of a person.
type claims map[string]any

// find returns a claim by its name, or by a path like realm_access.roles. A name with dots, such as an address, comes first.
func (c claims) find(name string) any {
	if value, found := c[name]; found {
		return value
	}
	var value any = map[string]any(c)
	for part := range strings.SplitSeq(name, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[part]
	}
	return value
}

func (c claims) has(name string) bool { return c.find(name) != nil }

// texts returns the values of a claim that is a text or a list of texts.
func (c claims) texts(name string) (values []string) {
	switch value := c.find(name).(type) {
	case string:
		return []string{value}
	case []any:
		for _, one := range value {
			if text, ok := one.(string); ok {
				values = append(values, text)
			}
		}
	}
	return values
}

// text returns a claim that is a text, or an empty text.
func (c claims) text(name string) string {
	text, _ := c.find(name).(string)
	return text
}

// isVerified reports whether the provider has verified the email address. Some providers say it as a text.
func (c claims) isVerified() bool {
	return c.find("email_verified") == true || c.text("email_verified") == "true"
}

// personOf returns the person with the highest role that the claim gives. An email address gives a role only if it is verified:
// at many providers people may type in any address.
func (p *Provider) personOf(all claims) (backstop.Person, error) {
	person := backstop.Person{ID: all.text("sub"), Name: nameOf(all)}
	values := all.texts(p.o.RoleClaim)
	if p.o.RoleClaim == "email" && !all.isVerified() {
		values = nil
	}
	var roles []backstop.Role
	for role, wanted := range p.o.Roles {
		if slices.ContainsFunc(values, func(value string) bool { return slices.Contains(wanted, value) }) {
			roles = append(roles, role)
		}
	}
	role, found := backstop.HighestRole(roles)
	if !found {
		return person, newFault(NoRole, errors.New("no value of the claim "+p.o.RoleClaim+" gives a role"))
	}
	person.Role = role
	return person, nil
}

// maxName is how much of a name is kept, in bytes.
const maxName = 200

func nameOf(all claims) string {
	email := all.text("email")
	if all.has("email_verified") && !all.isVerified() {
		email = ""
	}
	name := cmp.Or(email, all.text("preferred_username"), all.text("name"), all.text("sub"))
	return strings.ToValidUTF8(name[:min(len(name), maxName)], "")
}
