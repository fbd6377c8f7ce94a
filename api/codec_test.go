package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/keyring"
)

const uiOrigin = "https://temporal.example.com"

// codecRig is an API with a codec server, behind a real HTTP server.
type codecRig struct {
	*rig

	url       string
	encrypted string // the JSON of a payload
	foreign   string // as encrypted, with a key that the API lacks
}

func newCodecRig(t *testing.T) codecRig {
	t.Helper()
	newCodec := func(key string) http.Handler {
		ring, err := keyring.Parse(key)
		require.NoError(t, err)
		c, err := codec.New(ring, true)
		require.NoError(t, err)
		return c.Handler()
	}
	ours := newCodec("k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	theirs := newCodec("k2:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=")
	r := newRig(t, func(o *api.Options) {
		o.TemporalUIURL, o.PayloadCodec = "https://Temporal.example.com:443/ui", ours
	})
	server := httptest.NewServer(r.handler)
	t.Cleanup(server.Close)
	encrypt := func(c http.Handler) string {
		body := strings.NewReader(`{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InRoZSBzZWNyZXQi"}]}`)
		encoded := httptest.NewRecorder()
		c.ServeHTTP(encoded, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/encode", body))
		return encoded.Body.String()
	}
	return codecRig{rig: r, url: server.URL, encrypted: encrypt(ours), foreign: encrypt(theirs)}
}

// reply is an answer that came over a connection.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask makes a request. headers are pairs of name and value.
func (r codecRig) ask(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, string(text)}
}

// data returns the data of the payload in an answer.
func (r reply) data(t *testing.T) string {
	t.Helper()
	require.Equal(t, 200, r.status, r.body)
	var read struct {
		Payloads []struct {
			Data []byte `json:"data"`
		} `json:"payloads"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &read), r.body)
	require.Len(t, read.Payloads, 1)
	return string(read.Payloads[0].Data)
}

// TestCodec: the Temporal UI, a page of another origin, decrypts with the cookie of the console; a program does with the API key.
func TestCodec(t *testing.T) {
	t.Parallel()
	r := newCodecRig(t)
	cookie := r.signIn(t)
	for name, headers := range map[string][]string{
		"the UI with the cookie": {"Cookie", cookie, "Origin", uiOrigin, "Sec-Fetch-Site", "same-site", "X-Namespace", "default"},
		"the UI with a token":    {"Authorization", "Bearer " + apiKey, "Origin", uiOrigin, "Sec-Fetch-Site", "same-site"},
		"a program":              {"Authorization", "Bearer " + apiKey},
	} {
		headers = append(headers, "Content-Type", "application/json")
		decoded := r.ask(t, "POST", "/codec/decode?preserveStorageRefs=true", r.encrypted, headers...)
		require.Equal(t, `"the secret"`, decoded.data(t), name)
		require.Equal(t, "no-store", decoded.header.Get("Cache-Control"), name)
		require.Equal(t, "Origin", decoded.header.Get("Vary"), name)
		if name != "a program" {
			require.Equal(t, uiOrigin, decoded.header.Get("Access-Control-Allow-Origin"), name)
			require.Equal(t, "true", decoded.header.Get("Access-Control-Allow-Credentials"), name)
		}
		require.NotContains(t, r.ask(t, "POST", "/codec/encode", decoded.body, headers...).data(t), "secret", name)
	}
	require.NotContains(t, r.logs.String(), "the secret")
}

// TestCodec_refused: nobody decrypts who has not signed in, and no page of a foreign origin with the cookie of somebody else.
func TestCodec_refused(t *testing.T) {
	t.Parallel()
	r := newCodecRig(t)
	cookie := r.signIn(t)
	for name, row := range map[string]struct {
		status  int
		headers []string
	}{
		"no sign-in":                  {401, nil},
		"the UI without a sign-in":    {401, []string{"Origin", uiOrigin, "Sec-Fetch-Site", "same-site"}},
		"another cookie":              {401, []string{"Cookie", cookie[:len(cookie)-2] + "AA", "Origin", uiOrigin}},
		"a wrong key":                 {401, []string{"Authorization", "Bearer wrong", "Cookie", cookie, "Origin", uiOrigin}},
		"a foreign origin":            {403, []string{"Cookie", cookie, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}},
		"a foreign origin, no fetch":  {403, []string{"Cookie", cookie, "Origin", "https://evil.example"}},
		"another port of the UI":      {403, []string{"Cookie", cookie, "Origin", uiOrigin + ":8443", "Sec-Fetch-Site", "same-site"}},
		"the UI without TLS":          {403, []string{"Cookie", cookie, "Origin", "http://temporal.example.com", "Sec-Fetch-Site", "same-site"}},
		"a file or a sandboxed frame": {403, []string{"Cookie", cookie, "Origin", "null", "Sec-Fetch-Site", "cross-site"}},
	} {
		for _, path := range []string{"/codec/decode", "/codec/encode"} {
			refused := r.ask(t, "POST", path, r.encrypted, row.headers...)
			require.Equal(t, row.status, refused.status, name)
			require.Equal(t, "application/problem+json", refused.header.Get("Content-Type"), name)
			require.NotContains(t, refused.body, "secret", name)
			if allowed := refused.header.Get("Access-Control-Allow-Origin"); allowed != "" {
				require.Equal(t, uiOrigin, allowed, name)
			}
		}
	}
	// The UI is trusted for the codec alone.
	refused := r.ask(t, "POST", "/v1/rules", "{}", "Cookie", cookie, "Origin", uiOrigin, "Content-Type", "application/json")
	require.Equal(t, 403, refused.status)
	require.Empty(t, refused.header.Get("Access-Control-Allow-Origin"))
}

func TestCodec_preflight(t *testing.T) {
	t.Parallel()
	r := newCodecRig(t)
	ask := func(origin string) http.Header {
		got := r.ask(t, "OPTIONS", "/codec/decode", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-namespace")
		require.Equal(t, 204, got.status)
		return got.header
	}
	got := ask(uiOrigin)
	require.Equal(t, uiOrigin, got.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", got.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "POST", got.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Authorization, Authorization-Extras, Content-Type, X-Namespace", got.Get("Access-Control-Allow-Headers"))
	for name := range ask("https://evil.example") {
		require.NotContains(t, name, "Access-Control")
	}
}

func TestCodec_wrong(t *testing.T) {
	t.Parallel()
	r := newCodecRig(t)
	for name, row := range map[string]struct {
		body   string
		status int
		text   string
	}{
		"a missing key": {r.foreign, 400, `key "k2" is missing in BACKSTOP_KEYRING`},
		"damaged":       {strings.Replace(r.encrypted, `"data":"`, `"data":"AQI`, 1), 400, ""},
		"no JSON":       {"payloads", 400, ""},
		"another JSON":  {`{"rules": []}`, 400, ""},
		"no payload":    {`{"payloads": [7]}`, 400, ""},
		"a null":        {`{"payloads": [null]}`, 400, ""},
		"no body":       {"", 400, ""},
		"not base64":    {`{"payloads": [{"data": "*"}]}`, 400, ""},
		"deep":          {strings.Repeat(`{"payloads":[`, 20_000), 400, ""},
		"oversize":      {strings.Repeat(" ", 4<<20) + r.encrypted, 413, "the body may have at most 4194304 bytes"},
	} {
		got := r.ask(t, "POST", "/codec/decode", row.body, "Authorization", "Bearer "+apiKey)
		require.Equal(t, row.status, got.status, name+": "+got.body)
		require.Contains(t, got.body, row.text, name)
	}
	// A payload that nobody encrypted is returned as it is.
	plain := `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MQ=="}]}`
	require.Equal(t, "1", r.ask(t, "POST", "/codec/decode", plain, "Authorization", "Bearer "+apiKey).data(t))
	require.Equal(t, 405, r.ask(t, "GET", "/codec/decode", "", "Authorization", "Bearer "+apiKey).status)
	require.NotContains(t, r.logs.String(), "panic")
}

// TestCodec_none: without a codec, and without the address of a Temporal UI, there is nothing to reach.
func TestCodec_none(t *testing.T) {
	t.Parallel()
	newRig(t).call(t, "POST", "/codec/decode", "{}").problem(404, "not_found")

	r := newRig(t, func(o *api.Options) {
		o.PayloadCodec = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode("decoded") })
	})
	require.Equal(t, 200, r.call(t, "POST", "/codec/decode", "{}").Code)
	got := r.call(t, "POST", "/codec/decode", "{}", "Authorization", "", "Cookie", r.signIn(t), "Origin", uiOrigin)
	got.problem(403, "forbidden")
	require.Empty(t, got.Header().Get("Access-Control-Allow-Origin"))
}

// TestCodec_scopes: a key decrypts only if it may read all sends.
func TestCodec_scopes(t *testing.T) {
	t.Parallel()
	r := newCodecRig(t)
	limited := scopes(backstop.ScopeSendsRead)
	limited.Policies = []string{someID}
	for name, c := range map[string]struct {
		in     backstop.APIKeyInput
		kind   backstop.KeyKind
		status int
	}{
		"reads sends":         {scopes(backstop.ScopeSendsRead), backstop.KeyLive, 200},
		"admin":               {scopes(backstop.ScopeAdmin), backstop.KeyLive, 200},
		"another scope":       {scopes(backstop.ScopeSendsWrite, backstop.ScopeSettingsRead), backstop.KeyLive, 403},
		"a test key":          {scopes(backstop.ScopeSendsRead), backstop.KeyTest, 403},
		"the sends of policy": {limited, backstop.KeyLive, 403},
	} {
		_, secret := r.createKey(t, c.in, c.kind)
		got := r.ask(t, "POST", "/codec/decode", r.encrypted, "Authorization", "Bearer "+secret)
		require.Equal(t, c.status, got.status, "%s: %s", name, got.body)
	}
}
