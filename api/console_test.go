package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/api"
)

// script is long enough to be worth compressing.
var script = strings.Repeat("console.log('hello');\n", 100)

func app() fstest.MapFS {
	return fstest.MapFS{
		"index.html": {Data: []byte(`<!doctype html><title>app</title><meta property="csp-nonce" nonce="__CSP_NONCE__">` +
			`<script type="module" nonce="__CSP_NONCE__" src="/console/assets/app-1a2b.js"></script>`)},
		"favicon.svg":             {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"assets/app-1a2b.js":      {Data: []byte(script)},
		"assets/font-3c4d.woff2":  {Data: []byte(strings.Repeat("w", 4000))},
		"assets/deep/pixel-1.png": {Data: []byte("png")},
	}
}

func newConsole(t *testing.T) *rig {
	t.Helper()
	return newRig(t, func(o *api.Options) { o.Console = app() })
}

func TestConsole_Page(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	nonces := map[string]bool{}
	for _, path := range []string{
		"/console/", "/console/index.html", "/console/sends", "/console/sends/" + someID, "/console/sends/", "/console/session/x",
		"/console//etc/passwd", "/console/../etc/passwd", "/console/%2e%2e%2fetc%2fpasswd", "/console/..%5c..%5cetc", "/console/x?a=b",
	} {
		got := r.browse(t, "GET", path, "", "Accept-Encoding", "gzip")
		require.Equal(t, 200, got.Code, path)
		h := got.Header()
		require.Equal(t, "text/html; charset=utf-8", h.Get("Content-Type"))
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Contains(t, h.Get("Permissions-Policy"), "camera=()")
		require.Equal(t, "gzip", h.Get("Content-Encoding"))
		got.Body = bytes.NewBuffer(unzip(t, got.Body))
		require.NotContains(t, got.Body.String(), "__CSP_NONCE__")
		inPage := regexp.MustCompile(`nonce="([^"]{22,})"`).FindAllStringSubmatch(got.Body.String(), -1)
		require.Len(t, inPage, 2)
		nonce := inPage[0][1]
		require.Equal(t, nonce, inPage[1][1])
		require.Equal(t, "default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+"'; "+
			"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "+
			"form-action 'self'; frame-ancestors 'none'", h.Get("Content-Security-Policy"))
		require.False(t, nonces[nonce], "each answer has its own")
		nonces[nonce] = true
	}
}

func TestConsole_Files(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	const forever, anHour = "public, max-age=31536000, immutable", "public, max-age=3600"
	for path, want := range map[string]struct {
		contentType, cache, body string
		compressed               bool
	}{
		"/console/favicon.svg":             {"image/svg+xml", anHour, `<svg xmlns="http://www.w3.org/2000/svg"/>`, false},
		"/console/assets/app-1a2b.js":      {"text/javascript; charset=utf-8", forever, script, true},
		"/console/assets/font-3c4d.woff2":  {"font/woff2", forever, strings.Repeat("w", 4000), false},
		"/console/assets/deep/pixel-1.png": {"image/png", forever, "png", false},
	} {
		for accept, takes := range map[string]bool{
			"": false, "br": false, "*": false, "gzip;q=0": false, "br, gzip; q=0.0": false, "gzip": true,
			"br, GZIP;q=0.5": true, "deflate, gzip": true,
		} {
			got := r.browse(t, "GET", path, "", "Accept-Encoding", accept)
			require.Equal(t, 200, got.Code, path)
			require.Equal(t, want.contentType, got.Header().Get("Content-Type"))
			require.Equal(t, want.cache, got.Header().Get("Cache-Control"))
			require.Equal(t, "nosniff", got.Header().Get("X-Content-Type-Options"))
			if !want.compressed {
				require.Empty(t, got.Header().Get("Vary"))
				require.Equal(t, want.body, got.Body.String())
				continue
			}
			require.Equal(t, "Accept-Encoding", got.Header().Get("Vary"))
			require.Equal(t, takes, got.Header().Get("Content-Encoding") == "gzip", accept)
			if takes {
				require.Less(t, got.Body.Len(), len(want.body))
				got.Body = bytes.NewBuffer(unzip(t, got.Body))
			}
			require.Equal(t, want.body, got.Body.String())
		}
	}
}

func TestConsole_Brotli(t *testing.T) {
	t.Parallel()
	files := app()
	files["assets/app-1a2b.js.br"] = &fstest.MapFile{Data: []byte("in Brotli")}
	r := newRig(t, func(o *api.Options) { o.Console = files })
	for accept, want := range map[string]string{
		"br": "br", "gzip, br": "br", "br;q=0, gzip": "gzip", "gzip": "gzip", "": "",
	} {
		got := r.browse(t, "GET", "/console/assets/app-1a2b.js", "", "Accept-Encoding", accept)
		require.Equal(t, 200, got.Code)
		require.Equal(t, "text/javascript; charset=utf-8", got.Header().Get("Content-Type"))
		require.Equal(t, want, got.Header().Get("Content-Encoding"), accept)
		require.Equal(t, "Accept-Encoding", got.Header().Get("Vary"))
		require.Equal(t, want == "br", got.Body.String() == "in Brotli")
	}
	require.Equal(t, 404, r.browse(t, "GET", "/console/assets/app-1a2b.js.br", "").Code)
}

func unzip(t *testing.T, r io.Reader) []byte {
	t.Helper()
	z, err := gzip.NewReader(r)
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	return plain
}

func TestConsole_Missing(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	for _, path := range []string{
		"/console/assets/old-9z.js", "/console/assets/", "/console/assets/deep", "/console/assets/../index.html",
		"/console/assets/%2e%2e/%2e%2e/etc/passwd", "//console/", "/Console/",
	} {
		r.browse(t, "GET", path, "").problem(404, "not_found")
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		for _, path := range []string{"/", "/console", "/console/", "/console/sends", "/console/assets/app-1a2b.js"} {
			got := r.browse(t, method, path, "")
			got.problem(405, "method_not_allowed")
			require.Equal(t, "GET, HEAD", got.Header().Get("Allow"), path)
		}
	}
	r.browse(t, "HEAD", "/console/session", "").problem(405, "method_not_allowed")
	r.browse(t, "GET", "/console/session", "").problem(401, "unauthorized")
}

func TestConsole_Home(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/", "/console"} {
			got := r.browse(t, method, path, "")
			require.Equal(t, 302, got.Code)
			require.Equal(t, "/console/", got.Header().Get("Location"))
		}
	}
}

// TestConsole_Head: the answer to a HEAD has the Content-Length of the GET's body. Only a real server shows it.
func TestConsole_Head(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newConsole(t).handler)
	t.Cleanup(server.Close)
	for path, least := range map[string]int{"/console/assets/app-1a2b.js": len(script), "/console/": 100} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+path, http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Accept-Encoding", "identity")
		response, err := server.Client().Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, 200, response.StatusCode)
		require.GreaterOrEqual(t, response.ContentLength, int64(least))
	}
}

func TestConsole_None(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/", "/console", "/console/", "/console/sends", "/console/assets/app-1a2b.js"} {
		r.browse(t, "GET", path, "").problem(404, "not_found")
	}
	_, err := api.New(func() api.Options { o := r.options(); o.Console = fstest.MapFS{}; return o }())
	require.EqualError(t, err, "read the console: it has no index.html")
}

// TestConsole_Log: the log has the pattern of the path, without the id of the send.
func TestConsole_Log(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	r.browse(t, "GET", "/console/sends/"+someID+"?to=447400123456", "")
	require.Contains(t, r.logs.String(), `"route":"/console/:page/*rest","status":200`)
	for _, private := range []string{someID, "447400123456"} {
		require.NotContains(t, r.logs.String(), private)
	}
}
