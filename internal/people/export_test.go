package people

import "github.com/backstophq/backstop"

// Claims are what the provider says of a person.
type Claims = claims

// PersonOf is Provider.personOf.
func PersonOf(o Options, all Claims) (backstop.Person, error) { return (&Provider{o: o}).personOf(all) }

// NameOf is nameOf.
func NameOf(all Claims) string { return nameOf(all) }
