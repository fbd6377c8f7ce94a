package api_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// A stream shows nothing after the end of the key or of the session that began it.
func TestWatchSend_credentialsEnd(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *watched) (header, value string, end func()){
		"a revoked key": func(t *testing.T, w *watched) (header, value string, end func()) {
			t.Helper()
			key, secret := w.createKey(t, scopes(backstop.ScopeSendsRead), backstop.KeyLive)
			return "Authorization", "Bearer " + secret, func() { require.NoError(t, w.ring.Revoke(t.Context(), key.ID)) }
		},
		"an expired key": func(t *testing.T, w *watched) (header, value string, end func()) {
			t.Helper()
			in := scopes(backstop.ScopeSendsRead)
			in.ExpiresAt = new(now.Add(time.Minute))
			_, secret := w.createKey(t, in, backstop.KeyLive)
			return "Authorization", "Bearer " + secret, func() { w.stored.set(now.Add(time.Hour)) }
		},
		"a key that lost its scope": func(t *testing.T, w *watched) (header, value string, end func()) {
			t.Helper()
			key, secret := w.createKey(t, scopes(backstop.ScopeSendsRead), backstop.KeyLive)
			return "Authorization", "Bearer " + secret, func() {
				_, err := w.ring.Replace(t.Context(), key.ID, scopes(backstop.ScopeSendsWrite), 1)
				require.NoError(t, err)
			}
		},
		"a key of other policies": func(t *testing.T, w *watched) (header, value string, end func()) {
			t.Helper()
			key, secret := w.createKey(t, scopes(backstop.ScopeSendsRead), backstop.KeyLive)
			return "Authorization", "Bearer " + secret, func() {
				in := scopes(backstop.ScopeSendsRead)
				in.Policies = []string{newID()}
				_, err := w.ring.Replace(t.Context(), key.ID, in, 1)
				require.NoError(t, err)
			}
		},
		"a session": func(t *testing.T, w *watched) (header, value string, end func()) {
			t.Helper()
			cookie := w.signIn(t)
			return "Cookie", cookie, func() {
				require.Equal(t, 204, w.browse(t, "DELETE", sessionPath, "", "Cookie", cookie).Code)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, func(o *api.Options) { o.Watch.Heartbeat = 50 * time.Millisecond })
			header, value, end := begin(t, w)
			headers := []string{header, value}
			if header == "Cookie" {
				headers = append(headers, "Authorization", "")
			}
			stream := w.open(t, headers...)
			require.Equal(t, 200, stream.StatusCode)
			stream.block(t)
			stream.event(t)
			end()
			w.change(backstop.Read)
			require.NotContains(t, stream.rest(t), "read")
			again := w.open(t, append(headers, "Last-Event-ID", "4")...)
			require.Contains(t, []int{401, 403, 404}, again.StatusCode)
		})
	}
}

// A heartbeat ends too: an idle stream does not outlive its key.
func TestWatchSend_credentialsEnd_idle(t *testing.T) {
	t.Parallel()
	w := newWatched(t, func(o *api.Options) { o.Watch.Heartbeat = 20 * time.Millisecond })
	key, secret := w.createKey(t, scopes(backstop.ScopeSendsRead), backstop.KeyLive)
	stream := w.open(t, "Authorization", "Bearer "+secret, "Last-Event-ID", "3")
	stream.block(t)
	require.NoError(t, w.ring.Revoke(t.Context(), key.ID))
	stream.rest(t)
}

// firstPage calls a function after the first page of a list was read.
type firstPage struct {
	api.Sends

	then func()
}

func (f firstPage) ListSends(
	ctx context.Context, filter backstop.SendFilter, page backstop.Page,
) (list []backstop.Send, more bool, err error) {
	list, more, err = f.Sends.ListSends(ctx, filter, page)
	if page.After == "" {
		f.then()
	}
	return list, more, err
}

// A file ends, and is seen to be incomplete, at the page after the end of the key that asked for it.
func TestExports_credentialsEnd(t *testing.T) {
	t.Parallel()
	var r *rig
	var key backstop.APIKey
	revoke := func() { require.NoError(t, r.ring.Revoke(t.Context(), key.ID)) }
	r = newRig(t, func(o *api.Options) { o.Sends = firstPage{o.Sends, revoke} })
	for i := range 2500 {
		r.sends = append(r.sends, exported(i))
	}
	var secret string
	key, secret = r.createKey(t, scopes(backstop.ScopeAdmin), backstop.KeyLive)
	server := httptest.NewServer(r.handler)
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/sends.csv", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+secret)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, response.Body.Close()) })
	body, err := io.ReadAll(response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Contains(t, string(body), r.sends[len(r.sends)-1].ID)
	require.NotContains(t, string(body), r.sends[0].ID, "of the last page")
}
