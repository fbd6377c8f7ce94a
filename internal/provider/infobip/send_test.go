package infobip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/infobip"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// serve starts a server that gives the answer of the first path that the request has, and counts the requests by path.
func serve(t *testing.T, answers map[string]string) (string, map[string]int) {
	t.Helper()
	count := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		count[r.URL.Path]++
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, count
}

const (
	sendPath = "/sms/3/messages"
	logPath  = "/sms/3/logs"
)

func rejected(word string) string {
	return `{"messages":[{"messageId":"` + ref + `","status":` + statusOf(word, "why") + `}]}`
}

func logged(words ...string) string {
	var entries []string
	for _, word := range words {
		entries = append(entries, `{"messageId":"`+ref+`","messageCount":2,"status":`+statusOf(word, "why")+`,"error":`+errorOf("", "")+`}`)
	}
	return `{"results":[` + strings.Join(entries, ",") + `]}`
}

// A refused repeat means that the first call arrived. The log says how that call ended, because a message that Infobip rejected
// may have used up its id.
func TestSMS_SendSMS_repeat(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ log, want string }{
		"pending":                     {logged("PENDING_ENROUTE"), ""},
		"delivered":                   {logged("DELIVERED_TO_HANDSET"), ""},
		"not in the log yet":          {logged(), ""},
		"only the repeat":             {logged("REJECTED_DUPLICATE_MESSAGE_ID"), ""},
		"no log":                      {"", ""},
		"unreadable":                  {"{", ""},
		"rejected":                    {logged("REJECTED_SYSTEM_ERROR"), "rejected REJECTED_SYSTEM_ERROR: why"},
		"rejected, and the repeat":    {logged("REJECTED_DUPLICATE_MESSAGE_ID", "REJECTED_FLOODING_FILTER"), "rejected REJECTED_FLOODING_FILTER: why"},
		"rejected, no credits":        {logged("REJECTED_NOT_ENOUGH_CREDITS"), "rejected (account) REJECTED_NOT_ENOUGH_CREDITS: why"},
		"a status that is not known":  {logged("teleported"), ""},
		"several messages of this id": {logged("REJECTED_NETWORK", "REJECTED_NETWORK"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]string{sendPath: rejected("REJECTED_DUPLICATE_MESSAGE_ID")}
			if row.log != "" {
				answers[logPath] = row.log
			}
			baseURL, count := serve(t, answers)
			submission, err := open[*infobip.SMS](t, smsDriver(), baseURL).SendSMS(t.Context(), smsDriver().SMS)
			require.Equal(t, map[string]int{sendPath: 1, logPath: 1}, count)
			if row.want != "" {
				require.EqualError(t, err, row.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, ref, submission.MessageID)
		})
	}
}

// The log is asked within the time of the call.
func TestSMS_SendSMS_repeatInTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == logPath {
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, rejected("REJECTED_DUPLICATE_MESSAGE_ID"))
	}))
	t.Cleanup(server.Close)
	settings := smsDriver().Settings(server.URL, 300*time.Millisecond)
	client, err := infobip.Open(settings)
	require.NoError(t, err)
	began := time.Now()
	submission, err := client.(provider.SMS).SendSMS(t.Context(), smsDriver().SMS)
	require.NoError(t, err)
	require.Equal(t, ref, submission.MessageID)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestWhatsApp_repeat(t *testing.T) {
	t.Parallel()
	baseURL, count := serve(t, map[string]string{"/whatsapp/1/message/text": `{"to":"1","status":` + statusOf("REJECTED_DUPLICATE_MESSAGE_ID", "no") + `}`})
	submission, err := open[*infobip.WhatsApp](t, whatsAppDriver(), baseURL).SendWhatsApp(t.Context(), whatsAppDriver().WhatsApp)
	require.NoError(t, err)
	require.Equal(t, backstop.Submission{MessageID: ref}, submission)
	require.Len(t, count, 1, "a WhatsApp message is not in the log of SMS")
}

// A refused WhatsApp message is final also if its cause may pass: a repeat has the same id, which may be used up.
func TestWhatsApp_refusedForNow(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"REJECTED_FLOODING_FILTER", "REJECTED_SYSTEM_ERROR", "UNDELIVERABLE_REJECTED_PLATFORM"} {
		baseURL, _ := serve(t, map[string]string{"/whatsapp/1/message/text": `{"status":` + statusOf(word, "why") + `}`})
		_, err := open[*infobip.WhatsApp](t, whatsAppDriver(), baseURL).SendWhatsApp(t.Context(), whatsAppDriver().WhatsApp)
		require.EqualError(t, err, "rejected "+word+": why")
	}
}

// The status of the message decides. Its group is enough.
func TestSMS_SendSMS_status(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		`{"groupId":5,"groupName":"REJECTED","id":999,"name":"REJECTED_NEW","description":"new"}`: "rejected REJECTED_NEW: new",
		`{"groupId":5,"id":999}`:             "rejected: reported as failed, without a name",
		`{"groupName":"REJECTED","id":999}`:  "rejected: reported as failed, without a name",
		`{"groupId":"5","name":"E"}`:         "rejected E: E",
		`{"groupId":2,"name":"E"}`:           "rejected E: E",
		`{"groupId":4,"name":"E"}`:           "rejected E: E",
		`{"groupId":1,"name":"E"}`:           "",
		`{"groupId":3,"name":"E"}`:           "",
		`{"groupId":77,"name":"E"}`:          "",
		`{"groupName":"ACCEPTED"}`:           "",
		`{}`:                                 "",
		`null`:                               "",
		`"odd"`:                              "",
		`{"groupId":{},"name":[],"id":true}`: "",
	} {
		baseURL, _ := serve(t, map[string]string{sendPath: `{"messages":[{"messageId":"id-1","status":` + status + `}]}`})
		submission, err := open[*infobip.SMS](t, smsDriver(), baseURL).SendSMS(t.Context(), smsDriver().SMS)
		if want == "" {
			require.NoError(t, err, status)
			require.Equal(t, "id-1", submission.MessageID)
			continue
		}
		require.EqualError(t, err, want, status)
	}
}

func TestSMS_SendSMS_parts(t *testing.T) {
	t.Parallel()
	for details, want := range map[string]int{
		`{"messageCount":3}`: 3, `{"messageCount":"3"}`: 3, `{"messageCount":null}`: 0, `{}`: 0, `null`: 0, `7`: 0,
		`{"messageCount":-1}`: 0, `{"messageCount":26}`: 0, `{"messageCount":2.5}`: 0,
	} {
		baseURL, _ := serve(t, map[string]string{sendPath: `{"messages":[{"messageId":"id-1","details":` + details + `}]}`})
		submission, err := open[*infobip.SMS](t, smsDriver(), baseURL).SendSMS(t.Context(), smsDriver().SMS)
		require.NoError(t, err)
		require.Equal(t, backstop.Submission{MessageID: "id-1", Segments: want}, submission, details)
	}
}

func TestSMS_SendSMS_validFor(t *testing.T) {
	t.Parallel()
	for valid, want := range map[time.Duration]string{
		0: "null", -time.Second: "1", 1: "1", 1999 * time.Millisecond: "1", 4 * time.Second: "4", 48 * time.Hour: "172800",
		48*time.Hour + 1: "null",
	} {
		var body string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			read, _ := io.ReadAll(r.Body)
			body = string(read)
		}))
		m := smsDriver().SMS
		m.ValidFor = valid
		_, err := open[*infobip.SMS](t, smsDriver(), server.URL).SendSMS(t.Context(), m)
		require.Error(t, err)
		server.Close()
		if want == "null" {
			require.NotContains(t, body, "validityPeriod", valid)
			continue
		}
		require.Contains(t, body, `"validityPeriod":{"amount":`+want+`,"timeUnit":"SECONDS"}`, valid)
	}
}

func TestSMS_Find_reach(t *testing.T) {
	t.Parallel()
	find := func(log string, age time.Duration) (*backstop.Found, error) {
		baseURL, _ := serve(t, map[string]string{logPath: log})
		q := backstop.Inquiry{Ref: providertest.Ref, Since: time.Now().Add(-age)}
		return open[*infobip.SMS](t, smsDriver(), baseURL).Find(t.Context(), q)
	}
	found, err := find(logged(), time.Hour)
	require.NoError(t, err)
	require.Nil(t, found)
	_, err = find(logged(), 49*time.Hour)
	require.EqualError(t, err, "unknown: the logs do not reach back to the message")
	_, err = find(logged("REJECTED_DUPLICATE_MESSAGE_ID"), time.Hour)
	require.EqualError(t, err, "unknown: the logs do not reach back to the message", "a refused repeat: there is a message")
	_, err = find(logged("DELIVERED_TO_HANDSET", "UNDELIVERABLE_NOT_DELIVERED"), time.Hour)
	require.EqualError(t, err, "unknown: several messages have this id")
	found, err = find(logged("REJECTED_DUPLICATE_MESSAGE_ID", "DELIVERED_TO_HANDSET"), 49*time.Hour)
	require.NoError(t, err)
	require.Equal(t, &backstop.Found{MessageID: ref, Status: backstop.Delivered, Segments: 2}, found)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	settings := whatsAppDriver().Settings("", time.Minute)
	settings.Values = map[string]string{}
	_, err := infobip.Open(settings)
	for _, field := range []string{"base_url", "api_key", "sender"} {
		require.ErrorContains(t, err, field+" is required")
	}
	settings.Values = map[string]string{"base_url": "https://user:hunter2@example.com", "api_key": "hunter2\r", "sender": "hunter2 "}
	_, err = infobip.Open(settings)
	for _, field := range []string{"base_url", "api_key", "sender"} {
		require.ErrorContains(t, err, field)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		driver    providertest.Driver
		status    int
		body      string
		path      string
		field     string
		isFailure bool
	}{
		"sms":                  {smsDriver(), 200, `{"results":[]}`, logPath + "?limit=1", "", false},
		"sms, wrong key":       {smsDriver(), 401, `{"errorCode":"E401"}`, logPath + "?limit=1", "api_key", false},
		"sms, narrow key":      {smsDriver(), 403, `{"errorCode":"E403"}`, logPath + "?limit=1", "api_key", false},
		"sms, wrong address":   {smsDriver(), 404, ``, logPath + "?limit=1", "base_url", false},
		"sms, down":            {smsDriver(), 502, ``, logPath + "?limit=1", "", true},
		"whatsapp":             {whatsAppDriver(), 200, `{"results":[{"sender":"1"},{"sender":"` + sender + `"}]}`, qualityPath, "", false},
		"whatsapp, no sender":  {whatsAppDriver(), 200, `{"results":[{"sender":"1"}]}`, qualityPath, "sender", false},
		"whatsapp, unreadable": {whatsAppDriver(), 200, `{}`, qualityPath, "", true},
		"whatsapp, wrong key":  {whatsAppDriver(), 401, `{}`, qualityPath, "api_key", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var path string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				checkHeader(t, r, http.MethodGet)
				path = r.URL.RequestURI()
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			}))
			t.Cleanup(server.Close)
			err := open[checkingClient](t, row.driver, server.URL).Check(t.Context())
			require.Equal(t, row.path, path)
			fault, _ := errors.AsType[*provider.FieldError](err)
			failure, isFailure := errors.AsType[*backstop.Failure](err)
			switch {
			case row.field != "":
				require.NotNil(t, fault, "%v", err)
				require.Equal(t, row.field, fault.Field)
			case row.isFailure:
				require.True(t, isFailure)
				require.Equal(t, backstop.Unavailable, failure.Kind)
			default:
				require.NoError(t, err)
			}
		})
	}
}

const qualityPath = "/whatsapp/1/senders/quality?senders=" + sender

type checkingClient interface {
	provider.Client
	Check(ctx context.Context) error
}
