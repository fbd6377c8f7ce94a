package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/guards"
	"github.com/backstophq/backstop/internal/keys"
	"github.com/backstophq/backstop/internal/logtest"
)

const apiKey = "a-key-for-tests"

// rig is an API with fakes for its stores. It validates every answer against the contract.
type rig struct {
	*store

	door     *door
	guarded  *guardStore
	stored   *keyStore
	ring     *keys.Keeper
	keeper   *guards.Keeper
	known    templates
	posted   callbacks
	texts    messageStore
	outs     *optOuts
	audit    *auditLog
	persons  *persons
	handler  http.Handler
	contract *openapi3.T
	logs     *logtest.Buffer
}

// readContract reads the contract once for all tests. No test changes it.
var readContract = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromFile("openapi.yaml")
})

func newRig(t *testing.T, change ...func(*api.Options)) *rig {
	t.Helper()
	r := &rig{
		stored: &keyStore{now: now}, audit: &auditLog{}, persons: &persons{},
		store: &store{}, outs: &optOuts{}, logs: &logtest.Buffer{}, guarded: &guardStore{guards: backstop.Guards{Version: 1}},
	}
	r.door = &door{store: r.store, outs: r.outs, keys: map[string]backstop.Send{}, hashes: map[string][]byte{}}
	o := r.options()
	for _, f := range change {
		f(&o)
	}
	handler, err := api.New(o)
	require.NoError(t, err)
	r.handler = handler
	r.contract, err = readContract()
	require.NoError(t, err)
	return r
}

func (r *rig) options() api.Options {
	keeper, err := guards.New(guards.Options{Store: r.guarded, Log: slog.New(slog.NewJSONHandler(r.logs, nil))})
	if err != nil {
		panic(err) // the store and the log are there
	}
	r.keeper = keeper
	if r.ring, err = keys.New(r.stored, slog.New(slog.NewJSONHandler(r.logs, nil))); err != nil {
		panic(err)
	}
	return api.Options{
		Rules: r.store, Policies: r.store, Messages: &r.texts, Sends: r.store, Sessions: r.store, Keys: r.ring, Handoff: r.door,
		APIKey: apiKey, Version: "v0", Accounts: newAccounts(), Guards: r.keeper, OptOuts: r.outs, Templates: &r.known,
		Callbacks: &r.posted, Audit: r.audit, Erasures: &erasures{}, Persons: r.persons,
		Log: slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return now },
	}
}

// answer is a recorded response.
type answer struct {
	*httptest.ResponseRecorder

	t *testing.T
}

type problem struct {
	Type      string `json:"type"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance"`
	RequestID string `json:"request_id"`
	Errors    []struct {
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"errors"`
}

// problem asserts that the answer is a problem of this status and code that names exactly these fields.
func (a answer) problem(status int, code string, fields ...string) problem {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, a.Body.String())
	require.Equal(a.t, "application/problem+json", a.Header().Get("Content-Type"))
	var p problem
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &p))
	require.Equal(a.t, status, p.Status)
	require.Equal(a.t, code, p.Code, p.Detail)
	require.Equal(a.t, "urn:backstop:problem:"+code, p.Type)
	require.Equal(a.t, a.Header().Get("X-Request-ID"), p.RequestID)
	named := []string{}
	for _, f := range p.Errors {
		named = append(named, f.Field)
		require.NotEmpty(a.t, f.Reason)
	}
	require.ElementsMatch(a.t, fields, named, a.Body.String())
	return p
}

// errors returns the errors of a problem, as JSON.
func (a answer) errors() string {
	a.t.Helper()
	var p struct {
		Errors json.RawMessage `json:"errors"`
	}
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &p))
	return string(p.Errors)
}

// into asserts the status and reads the JSON body.
func (a answer) into(status int, v any) {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, a.Body.String())
	require.Equal(a.t, "application/json", strings.Split(a.Header().Get("Content-Type"), ";")[0])
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), v))
}

// call makes a request with the API key. headers are pairs of name and value, and replace the default headers.
func (r *rig) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader = http.NoBody
	if body != "" {
		reader = strings.NewReader(body)
	}
	request := httptest.NewRequestWithContext(t.Context(), method, path, reader)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			request.Header.Del(headers[i])
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	return r.serve(t, request)
}

func (r *rig) serve(t *testing.T, request *http.Request) answer {
	t.Helper()
	path, method := request.URL.Path, request.Method
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	require.NotEmpty(t, recorder.Header().Get("X-Request-ID"))
	r.conforms(t, method, path, recorder)
	return answer{recorder, t}
}

// conforms validates an answer against the contract, if the contract has the route.
func (r *rig) conforms(t *testing.T, method, path string, got *httptest.ResponseRecorder) {
	t.Helper()
	for template, item := range r.contract.Paths.Map() {
		operation := item.GetOperation(method)
		if operation == nil || !matches(template, path) {
			continue
		}
		err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{
				Request: httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody),
				Route: &routers.Route{
					Spec: r.contract, Path: template, PathItem: item, Method: method, Operation: operation,
				},
			},
			Status: got.Code, Header: got.Header(),
			Body: io.NopCloser(bytes.NewReader(got.Body.Bytes())),
			Options: &openapi3filter.Options{
				IncludeResponseStatus: true, MultiError: true,
				ExcludeResponseBody: strings.HasPrefix(got.Header().Get("Content-Type"), "text/html"), // it reads none
			},
		})
		require.NoError(t, err, "%s %s: the answer does not fit the contract: %s", method, path, got.Body)
	}
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}

// text encodes a value as JSON.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// seed stores a rule of type undelivered and a policy with it.
func (r *rig) seed(t *testing.T) (backstop.Rule, backstop.Policy) {
	t.Helper()
	rule, err := r.CreateRule(t.Context(), backstop.Rule{
		Name: "Undelivered", Type: backstop.Undelivered, WaitSeconds: 300, SendID: "MyShop",
	})
	require.NoError(t, err)
	policy, err := r.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "Parcels", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	r.writes = 0
	return rule, policy
}
