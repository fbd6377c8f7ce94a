package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const messagesPath = "/2010-04-01/Accounts/" + accountSID + "/Messages"

func twilioGet(ctx context.Context, target string) *http.Request {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	req.SetBasicAuth(accountSID, authToken)
	return req
}

// listIDs returns the ids on a page of a list, and the URL of the next page.
func listIDs(t *testing.T, h http.Handler, target string) (ids []string, next string) {
	t.Helper()
	got := serve(h, twilioGet(t.Context(), target))
	require.Equal(t, http.StatusOK, got.status, got.body)
	body := got.json(t)
	list, ok := body["messages"].([]any)
	require.True(t, ok, "an array, also when it is empty: %s", got.body)
	for _, m := range list {
		fields, _ := m.(map[string]any)
		id, _ := fields["sid"].(string)
		ids = append(ids, id)
	}
	next, _ = body["next_page_uri"].(string)
	return ids, next
}

// sendSMS sends an SMS and returns its id.
func sendSMS(t *testing.T, h http.Handler, to, from, text string) string {
	t.Helper()
	form := smsForm(to, from)
	form.Set("Body", text)
	form.Del("StatusCallback")
	id, _ := serve(h, twilioRequest(t.Context(), "", form)).json(t)["sid"].(string)
	require.NotEmpty(t, id)
	return id
}

func TestTwilio_Message(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := bubble(t)
		id := sendSMS(t, s, recipient+"14", "Backstop", "hello")
		state := func() map[string]any {
			got := serve(s, twilioGet(t.Context(), messagesPath+"/"+id+".json"))
			require.Equal(t, http.StatusOK, got.status)
			return got.json(t)
		}
		queued := state()
		for name, want := range map[string]any{
			"sid": id, "status": "queued", "to": recipient + "14", "from": "Backstop", "body": "hello", "direction": "outbound-api",
			"date_created": "Sat, 01 Jan 2000 00:00:00 +0000", "date_sent": nil, "error_code": nil, "num_segments": "1",
		} {
			require.Equal(t, want, queued[name], name)
		}
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, "sent", state()["status"])
		require.Equal(t, "Sat, 01 Jan 2000 00:00:01 +0000", state()["date_sent"])
		time.Sleep(time.Minute)
		require.Equal(t, "undelivered", state()["status"])
		require.InDelta(t, 30003, state()["error_code"], 0)
		require.Equal(t, "Unreachable destination handset", state()["error_message"])
	})
}

func TestTwilio_Message_missing(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	id := sendSMS(t, s, recipient+"01", "Backstop", "hello")
	for _, name := range []string{"SM0.json", id, id + ".xml"} {
		got := serve(s, twilioGet(t.Context(), messagesPath+"/"+name))
		require.Equal(t, http.StatusNotFound, got.status, name)
		require.Equal(t, 20404, got.code(t))
	}
	for _, target := range []string{messagesPath + ".json", messagesPath + "/" + id + ".json"} {
		req := twilioGet(t.Context(), target)
		req.SetBasicAuth(accountSID, "other")
		require.Equal(t, 20003, serve(s, req).code(t))
	}
	deleteMessages(t, s)
	require.Equal(t, http.StatusNotFound, serve(s, twilioGet(t.Context(), messagesPath+"/"+id+".json")).status)
}

func TestTwilio_List(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := bubble(t)
		first := sendSMS(t, s, recipient+"01", "Backstop", "one")
		other := sendSMS(t, s, recipient+"02", "Backstop", "two")
		time.Sleep(24 * time.Hour)
		last := sendSMS(t, s, recipient+"01", "Other", "three")
		refused := smsForm(recipient+"13", "Backstop")
		serve(s, twilioRequest(t.Context(), "", refused))
		ids := func(name, value string, more ...string) []string {
			query := url.Values{name: {value}}
			for i := 0; i < len(more); i += 2 {
				query.Set(more[i], more[i+1])
			}
			found, next := listIDs(t, s, messagesPath+".json?"+query.Encode())
			require.Empty(t, next)
			return found
		}
		require.Equal(t, []string{last, other, first}, ids("PageSize", "1000"), "the newest first")
		require.Equal(t, []string{last, first}, ids("To", recipient+"01"))
		require.Equal(t, []string{first}, ids("To", recipient+"01", "From", "Backstop"))
		require.Empty(t, ids("To", recipient+"13"), "a refused call is no message")
		require.Equal(t, []string{other, first}, ids("DateSent", "2000-01-01"))
		require.Equal(t, []string{other, first}, ids("DateSent<", "2000-01-01"))
		require.Empty(t, ids("DateSent>", "2000-01-02"), "it is not sent yet")
		time.Sleep(time.Minute)
		require.Equal(t, []string{last}, ids("DateSent>", "2000-01-02"))
	})
}

func TestTwilio_List_pages(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	var want []string
	for range 5 {
		want = append(want, sendSMS(t, s, recipient+"01", "Backstop", "hello"))
	}
	slices.Reverse(want)
	var got []string
	pages := 0
	for target := messagesPath + ".json?PageSize=2&To=" + url.QueryEscape(recipient+"01"); target != ""; pages++ {
		var ids []string
		ids, target = listIDs(t, s, target)
		got = append(got, ids...)
	}
	require.Equal(t, want, got)
	require.Equal(t, 3, pages)
}

func TestTwilio_Validity(t *testing.T) {
	t.Parallel()
	for validity, want := range map[string][]string{
		"29": {"29s failed 30036"}, "30": {"30s sent", "31s delivered"}, "": {"30s sent", "31s delivered"},
	} {
		t.Run(validity, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, rc := bubble(t)
				form := smsForm(recipient+"21", "Backstop")
				form.Set("ValidityPeriod", validity)
				serve(s, twilioRequest(t.Context(), "", form))
				time.Sleep(time.Minute)
				rc.requireNoFaults(t)
				require.Equal(t, want, rc.lines())
			})
		})
	}
}

func TestTwilio_Slow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := bubble(t)
		began := time.Now()
		require.Equal(t, http.StatusCreated, send(t, s, "sms", recipient+"20").status)
		require.Equal(t, 8*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Zero(t, serve(s, twilioRequest(ctx, "", smsForm(recipient+"20", "Backstop"))).status)
	})
}
