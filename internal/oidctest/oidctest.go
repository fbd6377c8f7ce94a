// Package oidctest is an OpenID Connect provider for tests: the server of github.com/zitadel/oidc, with three people who have groups,
// and one who has none. It shares no code with internal/people, on purpose.
package oidctest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

// The client that the provider knows, and the password of all its people.
const (
	ClientID     = "backstop"
	ClientSecret = "secret-of-the-test-client"
	Password     = "a-password"
)

// People returns the groups of the people, by their user names.
func People() map[string][]string {
	return map[string][]string{"vera": {"viewers"}, "otto": {"others", "operators"}, "ada": {"viewers", "admins"}, "nobody": nil}
}

// Options are the settings of a Server.
type Options struct {
	Issuer      string // its own address
	RedirectURL string // of the client
	HomeURL     string // where the client lets a browser return to after the end of its session

	GroupsInToken bool // the ID token has the groups; otherwise the userinfo endpoint alone has them
}

// New returns the handler of a provider.
func New(o Options) http.Handler {
	users := users{}
	for name := range People() {
		users[name] = &storage.User{
			ID: "id-of-" + name, Username: name, Password: Password, FirstName: name, LastName: "Test",
			Email: name + "@example.com", EmailVerified: name != "nobody", PreferredLanguage: language.English,
		}
	}
	web := storage.WebClient(ClientID, ClientSecret, o.RedirectURL)
	s := &store{
		Storage: storage.NewStorageWithClients(users, map[string]*storage.Client{ClientID: web}),
		client:  client{web, o.HomeURL}, inToken: o.GroupsInToken,
	}
	return exampleop.SetupServer(o.Issuer, s, nil, false)
}

// users are the people, by their user names.
type users map[string]*storage.User

func (u users) GetUserByUsername(name string) *storage.User { return u[name] }

func (u users) GetUserByID(id string) *storage.User {
	for _, user := range u {
		if user.ID == id {
			return user
		}
	}
	return nil
}

func (users) ExampleClientID() string { return "" }

// store is the provider's example storage, with groups and with a client that may return after a sign-out.
type store struct {
	*storage.Storage

	client  client
	inToken bool
}

// client may return to an address after the end of a session.
type client struct {
	*storage.Client

	home string
}

func (c client) PostLogoutRedirectURIs() []string { return []string{c.home} }

// GetClientByClientID returns the client.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) { //nolint:ireturn // as op.Storage says
	if id != ClientID {
		return nil, fmt.Errorf("unknown client %q", id)
	}
	return s.client, nil
}

// SetUserinfoFromRequest sets the claims of the ID token.
func (s *store) SetUserinfoFromRequest(
	ctx context.Context, info *oidc.UserInfo, token op.IDTokenRequest, scopes []string,
) error {
	if s.inToken {
		addGroups(info, token.GetSubject())
	}
	return s.Storage.SetUserinfoFromRequest(ctx, info, token, scopes)
}

// SetUserinfoFromToken sets the claims of the userinfo endpoint.
func (s *store) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	addGroups(info, subject)
	return s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin)
}

func addGroups(info *oidc.UserInfo, subject string) {
	for name, groups := range People() {
		if subject == "id-of-"+name && groups != nil {
			info.AppendClaims("groups", groups)
		}
	}
}
