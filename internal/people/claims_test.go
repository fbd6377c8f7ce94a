package people_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/people"
)

func claimsOf(t *testing.T, text string) (all people.Claims) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	return all
}

func TestPersonOf(t *testing.T) {
	t.Parallel()
	roles := map[backstop.Role][]string{
		backstop.RoleViewer: {"viewers", "v@example.com"}, backstop.RoleOperator: {"operators"}, backstop.RoleAdmin: {"admins", "root"},
	}
	for _, c := range []struct {
		claim, text string
		role        backstop.Role // empty: none
	}{
		{"groups", `{"groups": ["viewers"]}`, backstop.RoleViewer},
		{"groups", `{"groups": ["viewers", "root", "operators"]}`, backstop.RoleAdmin},
		{"groups", `{"groups": "operators"}`, backstop.RoleOperator},
		{"groups", `{"groups": ["Viewers", "/viewers", "viewers ", "viewers,admins"]}`, ""},
		{"groups", `{"groups": [7, null, {"a": "admins"}, ["admins"]]}`, ""},
		{"groups", `{"groups": {"admins": true}}`, ""},
		{"groups", `{"groups": true}`, ""},
		{"groups", `{}`, ""},
		{"realm_access.roles", `{"realm_access": {"roles": ["admins"]}}`, backstop.RoleAdmin},
		{"realm_access.roles", `{"realm_access": ["admins"]}`, ""},
		{"https://a.test/roles", `{"https://a.test/roles": ["admins"]}`, backstop.RoleAdmin},
		{"email", `{"email": "v@example.com", "email_verified": true}`, backstop.RoleViewer},
		{"email", `{"email": "v@example.com", "email_verified": "true"}`, backstop.RoleViewer},
		{"email", `{"email": "v@example.com", "email_verified": false}`, ""},
		{"email", `{"email": "v@example.com"}`, ""},
	} {
		person, err := people.PersonOf(people.Options{RoleClaim: c.claim, Roles: roles}, claimsOf(t, c.text))
		require.Equal(t, c.role, person.Role, c.text)
		if c.role == "" {
			require.Equal(t, people.NoRole, people.ReasonOf(err), c.text)
		} else {
			require.NoError(t, err, c.text)
		}
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for text, name := range map[string]string{
		`{"sub": "s", "name": "Vera", "preferred_username": "vera", "email": "v@example.com"}`:     "v@example.com",
		`{"sub": "s", "preferred_username": "vera", "email": "root@x.y", "email_verified": false}`: "vera",
		`{"sub": "s", "name": "Vera"}`: "Vera",
		`{"sub": "s"}`:                 "s",
		`{"sub": "s", "email": 7}`:     "s",
	} {
		require.Equal(t, name, people.NameOf(claimsOf(t, text)))
	}
}
