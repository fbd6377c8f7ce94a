package twilio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const accountPath = "/2010-04-01/Accounts/" + accountSID

func lookup() *providertest.Lookup {
	return &providertest.Lookup{
		CheckRequest: checkLookup,
		Missing: providertest.Reply{
			Status: http.StatusNotFound, Body: `{"code":20404,"message":"The requested resource was not found","status":404}`,
		},
		One: func(m providertest.Listed) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: resource(m)}
		},
		List: func(messages []providertest.Listed) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: listOf("", messages...)}
		},
	}
}

func checkLookup(t *testing.T, r *http.Request, id string) {
	t.Helper()
	require.Equal(t, http.MethodGet, r.Method)
	user, password, _ := r.BasicAuth()
	require.Equal(t, accountSID, user)
	require.Equal(t, authToken, password)
	if id != "" {
		require.Equal(t, accountPath+"/Messages/"+id+".json", r.URL.RequestURI())
		return
	}
	require.Equal(t, accountPath+"/Messages.json", r.URL.Path)
	require.Equal(t, providertest.To, r.URL.Query().Get("To"))
}

// resource returns the JSON of a message, as in the example of the API description.
func resource(m providertest.Listed) string {
	code := "null"
	if m.Code != "" {
		code = m.Code
	}
	service := ""
	if strings.HasPrefix(m.SendID, "MG") {
		m.SendID, service = "+15550783882", m.SendID
	}
	return fmt.Sprintf(`{"sid":%s,"status":%s,"direction":"outbound-api","from":%s,"messaging_service_sid":%s,"to":%s,"body":%s,`+
		`"date_created":%s,"date_sent":null,"num_segments":"2","error_code":%s,"error_message":%s,"price":null,"new":{"x":[1]}}`,
		providertest.Quote(m.ID), providertest.Quote(m.Status), providertest.Quote(m.SendID), providertest.Quote(service),
		providertest.Quote(providertest.To), providertest.Quote(m.Text), providertest.Quote(m.Made.Format(time.RFC1123Z)),
		code, providertest.Quote(m.Reason))
}

func listOf(next string, messages ...providertest.Listed) string {
	resources := make([]string, 0, len(messages))
	for _, m := range messages {
		resources = append(resources, resource(m))
	}
	after := "null"
	if next != "" {
		after = providertest.Quote(next)
	}
	return fmt.Sprintf(`{"page":0,"page_size":100,"next_page_uri":%s,"messages":[%s]}`, after, strings.Join(resources, ","))
}

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func question() backstop.Inquiry {
	return backstop.Inquiry{To: providertest.To, SendID: "Backstop", Text: "hello", Since: noon, Until: noon.Add(time.Minute)}
}

func answered(id string) providertest.Listed {
	return providertest.Listed{ID: id, SendID: "Backstop", Text: "hello", Made: noon, Status: "queued"}
}

// pages serves the pages of a list and counts the requests. It refuses a request for another recipient or a wrong page token.
func pages(t *testing.T, count *atomic.Int32, page func(n int) string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		n, _ := strconv.Atoi(r.URL.Query().Get("Page"))
		if n > 0 && r.URL.Query().Get("PageToken") != "PA"+strconv.Itoa(n) || r.URL.Query().Get("To") != providertest.To {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, page(n))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func nextPage(n int) string {
	return fmt.Sprintf("https://elsewhere.example%s/Messages.json?To=%%2B447400123456&PageSize=100&Page=%d&PageToken=PA%d", accountPath, n, n)
}

func TestClient_Find_pages(t *testing.T) {
	t.Parallel()
	t.Run("the last of three", func(t *testing.T) {
		t.Parallel()
		var count atomic.Int32
		baseURL := pages(t, &count, func(n int) string {
			if n < 2 {
				return listOf(nextPage(n + 1))
			}
			return listOf("", answered("SM1"))
		})
		found, err := newClient(t, options(baseURL)).Find(t.Context(), question())
		require.NoError(t, err)
		require.Equal(t, &backstop.Found{MessageID: "SM1", Status: backstop.Submitted, Segments: 2}, found)
		require.EqualValues(t, 3, count.Load(), "no request goes to the other host")
	})
	t.Run("a message that moves to the next page during the search", func(t *testing.T) {
		t.Parallel()
		var count atomic.Int32
		baseURL := pages(t, &count, func(n int) string {
			if n == 0 {
				return listOf(nextPage(1), answered("SM1"))
			}
			return listOf("", answered("SM1"))
		})
		found, err := newClient(t, options(baseURL)).Find(t.Context(), question())
		require.NoError(t, err)
		require.Equal(t, "SM1", found.MessageID)
	})
	t.Run("two on two pages", func(t *testing.T) {
		t.Parallel()
		var count atomic.Int32
		baseURL := pages(t, &count, func(n int) string {
			if n == 0 {
				return listOf(nextPage(1), answered("SM1"))
			}
			return listOf("", answered("SM2"))
		})
		_, err := newClient(t, options(baseURL)).Find(t.Context(), question())
		require.ErrorContains(t, err, "several messages")
	})
	t.Run("without an end", func(t *testing.T) {
		t.Parallel()
		var count atomic.Int32
		baseURL := pages(t, &count, func(n int) string { return listOf(nextPage(n + 1)) })
		_, err := newClient(t, options(baseURL)).Find(t.Context(), question())
		failure := new(backstop.Failure)
		require.ErrorAs(t, err, &failure)
		require.Equal(t, backstop.Unknown, failure.Kind, "an incomplete search does not mean that there is no message")
		require.EqualValues(t, 10, count.Load())
	})
}

func TestClient_Find_senders(t *testing.T) {
	t.Parallel()
	for _, sender := range []string{"Backstop", "+15550001111", "MG0123456789abcdef0123456789abcdef", "12345"} {
		t.Run(sender, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int32
			m, q := answered("SM1"), question()
			m.SendID, q.SendID = sender, sender
			baseURL := pages(t, &count, func(int) string { return listOf("", m) })
			found, err := newClient(t, options(baseURL)).Find(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, "SM1", found.MessageID)
		})
	}
}

// A message of a messaging service has neither a sender nor a number of segments before it is sent.
func TestClient_Find_acceptedByService(t *testing.T) {
	t.Parallel()
	const service = "MG0123456789abcdef0123456789abcdef"
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(resource(answered("SM1"))), &fields))
	fields["messaging_service_sid"], fields["from"], fields["status"], fields["num_segments"] = service, nil, "accepted", "0"
	accepted, err := json.Marshal(fields)
	require.NoError(t, err)
	var count atomic.Int32
	baseURL := pages(t, &count, func(int) string { return `{"messages":[` + string(accepted) + `]}` })
	q := question()
	q.SendID = service
	found, err := newClient(t, options(baseURL)).Find(t.Context(), q)
	require.NoError(t, err)
	require.Equal(t, &backstop.Found{MessageID: "SM1", Status: backstop.Submitted}, found)
	q.SendID = "MG00000000000000000000000000000000"
	_, err = newClient(t, options(baseURL)).Find(t.Context(), q)
	require.ErrorContains(t, err, "another text or sender", "another service has sent this text at this time")
}

// If a field has an unexpected type, the other fields are still read, and the message does not count as missing.
func TestClient_Find_oddFields(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"num_segments": "SM1", "error_code": "SM1", "error_message": "SM1", "direction": "SM1", "price": "SM1", "to": "SM1",
		"status": "?", "date_created": "?", "body": "?", "from": "?", "sid": "?",
	} {
		for _, value := range []string{`{"x":1}`, "17", "[]", "null", `"\u0000"`} {
			t.Run(field+" "+value, func(t *testing.T) {
				t.Parallel()
				var fields map[string]json.RawMessage
				require.NoError(t, json.Unmarshal([]byte(resource(answered("SM1"))), &fields))
				fields[field] = json.RawMessage(value)
				odd, err := json.Marshal(fields)
				require.NoError(t, err)
				var count atomic.Int32
				baseURL := pages(t, &count, func(int) string { return `{"messages":[` + string(odd) + `]}` })
				found, err := newClient(t, options(baseURL)).Find(t.Context(), question())
				word := field == "status" && value == `"\u0000"` // a string, although it is no known status
				if want == "?" && !word {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "SM1", found.MessageID)
			})
		}
	}
}

// The list has inbound messages too. Find skips them.
func TestClient_Find_inbound(t *testing.T) {
	t.Parallel()
	var count atomic.Int32
	inbound := strings.Replace(resource(answered("SM1")), "outbound-api", "inbound", 1)
	baseURL := pages(t, &count, func(int) string { return `{"messages":[` + inbound + `]}` })
	found, err := newClient(t, options(baseURL)).Find(t.Context(), question())
	require.NoError(t, err)
	require.Nil(t, found)
}
