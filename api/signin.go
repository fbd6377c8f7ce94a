package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/people"
)

const (
	beginPath    = sessionPath + "/oidc"
	callbackPath = beginPath + "/callback"

	// flowLife is how long somebody may take to sign in at the provider.
	flowLife = 10 * time.Minute

	maxRefusal = 64 // bytes of an error code of the provider that a log line has
)

// GetSignInWays answers GET /console/session/ways.
func (s *server) GetSignInWays(c *gin.Context) {
	ways := SignInWays{APIKey: !s.noKeySignIn}
	if s.people != nil {
		ways.Provider = &IdentityProvider{Name: s.peopleName}
	}
	c.JSON(http.StatusOK, ways)
}

func (s *server) requirePeople(c *gin.Context) {
	if s.people == nil {
		s.fail(c, &backstop.Error{Code: backstop.NotFound, Message: "nobody signs in at an identity provider here"})
	}
}

// signInFlow is a sign-in that a browser has begun. The browser keeps it, sealed, in a cookie. So nobody else can finish it, and
// anybody may begin one without a write.
type signInFlow struct {
	people.Flow

	To   string    `json:"to"` // the page of the console that follows
	Ends time.Time `json:"ends"`
}

// BeginSignIn answers GET /console/session/oidc.
func (s *server) BeginSignIn(c *gin.Context) {
	flow := signInFlow{Flow: people.NewFlow(), To: consolePage(c.Query("to")), Ends: s.now().Add(flowLife)}
	address, err := s.people.Start(c.Request.Context(), flow.Flow)
	if err != nil {
		s.refuseSignIn(c, faultOf(err), err)
		return
	}
	sealed, err := s.sealFlow(flow)
	if err != nil {
		s.fail(c, err)
		return
	}
	setFlowCookie(c, sealed, int(flowLife/time.Second))
	c.Redirect(http.StatusFound, address)
}

// FinishSignIn answers GET /console/session/oidc/callback.
func (s *server) FinishSignIn(c *gin.Context) {
	query := c.Request.URL.Query()
	flow, found := s.flowOf(c.Request)
	if !found || subtle.ConstantTimeCompare([]byte(flow.State), []byte(query.Get("state"))) != 1 {
		s.refuseSignIn(c, SignInFaultState, nil)
		return
	}
	setFlowCookie(c, "", -1) // it is used
	if refusal := query.Get("error"); refusal != "" {
		s.refuseSignIn(c, SignInFaultRefused, errors.New(refusal[:min(len(refusal), maxRefusal)]))
		return
	}
	isRight, err := s.slowdown.take(c.ClientIP(), s.now())
	if err != nil {
		s.refuseSignIn(c, SignInFaultLimited, err)
		return
	}
	person, err := s.people.Finish(c.Request.Context(), query.Get("code"), flow.Flow)
	if err != nil {
		if people.ReasonOf(err) == people.Away {
			isRight() // it was not judged
		}
		s.recordRefusal(c, person, err)
		s.refuseSignIn(c, faultOf(err), err)
		return
	}
	isRight()
	if _, err := s.openSession(c, personKey(person), person); err != nil {
		s.refuseSignIn(c, SignInFaultUnavailable, err)
		return
	}
	c.Redirect(http.StatusFound, flow.To)
}

// recordRefusal adds an entry to the audit about a person whom the provider knows and who has no role.
func (s *server) recordRefusal(c *gin.Context, person backstop.Person, err error) {
	if people.ReasonOf(err) != people.NoRole {
		return
	}
	actor := backstop.Actor{Kind: backstop.ActorPerson, ID: person.ID, Name: person.Name, From: c.ClientIP()}
	ctx := backstop.WithActor(c.Request.Context(), actor)
	entry := backstop.AuditEntry{Action: backstop.AuditRefuse, Kind: backstop.AuditSession, Name: person.Name}
	if err := s.audit.AddAuditEntry(ctx, entry); err != nil {
		s.logLimited(c, slog.LevelError, "the audit has no entry of a refused sign-in", "", slog.Any("error", err))
	}
}

// refuseSignIn leads the browser to the page of sign-in, which says why in its language.
func (s *server) refuseSignIn(c *gin.Context, fault SignInFault, cause error) {
	s.logLimited(c, slog.LevelWarn, "sign-in failed", string(fault),
		slog.String("fault", string(fault)), slog.Any("cause", cause))
	query := url.Values{"fault": {string(fault)}, "request": {c.GetString(requestIDKey)}}
	c.Redirect(http.StatusFound, consolePath+"?"+query.Encode())
}

// faultOf returns the fault that the page of sign-in shows. Its words are the reasons of package people.
func faultOf(err error) SignInFault { return SignInFault(people.ReasonOf(err)) }

// EndAtProvider answers GET /console/session/oidc/end.
func (s *server) EndAtProvider(c *gin.Context) {
	address, err := s.people.EndURL(c.Request.Context())
	switch {
	case err != nil:
		s.refuseSignIn(c, faultOf(err), err)
	case address == "":
		s.refuseSignIn(c, SignInFaultNoEnd, nil)
	default:
		c.Redirect(http.StatusFound, address)
	}
}

// consolePage returns a page of the console, or the first one if the text is anything else, such as an address of another host.
func consolePage(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return consolePath
	}
	page := path.Clean(u.Path)
	if !strings.HasPrefix(page, consolePath) || page == sessionPath || strings.HasPrefix(page, sessionPath+"/") {
		return consolePath
	}
	return (&url.URL{Path: page, RawQuery: u.RawQuery}).String()
}

// flowCipher seals flows with a key that follows from the API key, which all processes have.
func (s *server) flowCipher() (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte("sign-in at the identity provider"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err //nolint:wrapcheck // the key has 32 bytes
	}
	return cipher.NewGCMWithRandomNonce(block) //nolint:wrapcheck // as above
}

func (s *server) sealFlow(flow signInFlow) (string, error) {
	text, err := json.Marshal(flow)
	if err != nil {
		return "", err //nolint:wrapcheck // it has texts and a time
	}
	seal, err := s.flowCipher()
	if err != nil {
		return "", err
	}
	sealed := seal.Seal(nil, nil, text, nil) //nolint:gosec // it makes its nonce itself
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// flowOf returns the flow that the browser of a request has begun, or false if there is none, or it has ended.
func (s *server) flowOf(r *http.Request) (flow signInFlow, found bool) {
	cookie, err := r.Cookie(flowCookieName(isSecure(r)))
	if err != nil {
		return flow, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return flow, false
	}
	open, err := s.flowCipher()
	if err != nil {
		return flow, false
	}
	text, err := open.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(text, &flow) != nil {
		return flow, false
	}
	return flow, s.now().Before(flow.Ends)
}

// setFlowCookie sets the cookie of a sign-in. It is SameSite=Lax: the browser comes from the provider's page.
func setFlowCookie(c *gin.Context, sealed string, age int) {
	secure := isSecure(c.Request)
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // as the session's
		Name: flowCookieName(secure), Value: sealed, Path: "/", MaxAge: age,
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func flowCookieName(secure bool) string {
	if secure {
		return "__Host-backstop_sign_in"
	}
	return "backstop_sign_in"
}
