package providertest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func runAnswers(t *testing.T, d Driver) {
	t.Helper()
	t.Run("accepted", func(t *testing.T) { t.Parallel(); testAccepted(t, d) })
	t.Run("concurrent", func(t *testing.T) { t.Parallel(); testConcurrent(t, d) })
	t.Run("codes", func(t *testing.T) { t.Parallel(); testCodes(t, d) })
	t.Run("explanations", func(t *testing.T) { t.Parallel(); testExplanations(t, d) })
	t.Run("status", func(t *testing.T) { t.Parallel(); testStatus(t, d) })
	t.Run("retry after", func(t *testing.T) { t.Parallel(); testRetryAfter(t, d) })
	t.Run("unreadable", func(t *testing.T) { t.Parallel(); testUnreadable(t, d) })
	t.Run("redirect", func(t *testing.T) { t.Parallel(); testRedirect(t, d) })
}

func testAccepted(t *testing.T, d Driver) {
	t.Helper()
	server := serveProvider(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		d.CheckRequest(t, r, body)
		d.Accepted("id-1").write(w)
	})
	_, send := d.open(t, server.URL, longTimeout)
	submission, err := send(t.Context())
	require.NoError(t, err)
	require.Equal(t, d.messageID("id-1"), submission.MessageID)
	require.EqualValues(t, 1, server.requests.Load())
}

func testConcurrent(t *testing.T, d Driver) {
	t.Helper()
	const calls = 40
	server := serveReply(t, d.Accepted("id-1"))
	_, send := d.open(t, server.URL, longTimeout)
	errs := make([]error, calls)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() { _, errs[i] = send(t.Context()) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, calls, server.requests.Load())
}

func testCodes(t *testing.T, d Driver) {
	t.Helper()
	for _, row := range d.Codes {
		t.Run(fmt.Sprintf("%s with HTTP %d", row.Code, row.HTTP), func(t *testing.T) {
			t.Parallel()
			failure, server := d.callWith(t, d.Refused(row.HTTP, row.Code, d.leakyText()), row.Kind)
			require.Equal(t, row.Class, failure.Class)
			require.Equal(t, d.CodePrefix+row.Code, failure.Code)
			require.Contains(t, failure.Reason, "(#1) for +*** or *** or ***", "the reason has the text, without numbers")
			require.EqualValues(t, 1, server.requests.Load())
		})
	}
}

// testExplanations asserts that each code of the driver's table is explained once, in every language, with the class of its
// failures.
func testExplanations(t *testing.T, d Driver) {
	t.Helper()
	codes, err := d.Of.ErrorCodes()
	require.NoError(t, err)
	found := map[string]backstop.ErrorCode{}
	for _, code := range codes {
		require.Equal(t, d.Of.Name, code.Provider)
		require.NotContains(t, found, code.Code, "explained twice")
		found[code.Code] = code
		require.Len(t, code.Explained, 2, code.Code)
		for language, endOfSentence := range map[string]string{"en": ".", "zh-CN": "。"} {
			for _, text := range []string{code.Explained[language].Cause, code.Explained[language].Action} {
				require.NotEmpty(t, strings.TrimSuffix(text, endOfSentence), "%s in %s", code.Code, language)
				require.True(t, strings.HasSuffix(text, endOfSentence), "%s in %s is a sentence", code.Code, language)
				require.LessOrEqual(t, utf8.RuneCountInString(text), maxExplanation, "%s in %s", code.Code, language)
			}
		}
	}
	for _, row := range d.Codes {
		isInTable := row.Kind != backstop.Rejected || row.Class != ""
		code, isExplained := found[d.CodePrefix+row.Code]
		require.Equal(t, isInTable, isExplained, "code %s is explained if the driver classifies it", row.Code)
		require.Equal(t, row.Class, code.Class, row.Code)
	}
}

// maxExplanation is the most characters of a text that explains a code, as in the contract.
const maxExplanation = 500

// callWith sends one message to a provider that gives this answer, and returns the failure.
func (d Driver) callWith(t *testing.T, answer Reply, kind backstop.FailureKind) (*backstop.Failure, *fakeProvider) {
	t.Helper()
	server := serveReply(t, answer)
	_, send := d.open(t, server.URL, longTimeout)
	_, err := send(t.Context())
	return d.requireFailure(t, err, kind), server
}

// testStatus: if the answer has no error code of the driver's table, the HTTP status decides the kind, and the failure has no
// class. For some statuses the kind also depends on who wrote the answer: the provider (own) or a proxy (bare).
func testStatus(t *testing.T, d Driver) {
	t.Helper()
	const (
		rejected    = backstop.Rejected
		throttled   = backstop.Throttled
		unavailable = backstop.Unavailable
		unknown     = backstop.Unknown
	)
	for status, want := range map[int]struct{ own, bare backstop.FailureKind }{
		http.StatusBadRequest:          {rejected, rejected},
		http.StatusUnauthorized:        {rejected, rejected},
		http.StatusForbidden:           {rejected, rejected},
		http.StatusNotFound:            {rejected, rejected},
		http.StatusRequestTimeout:      {unavailable, unavailable},
		http.StatusUnprocessableEntity: {rejected, rejected},
		http.StatusTooManyRequests:     {throttled, throttled},
		http.StatusInternalServerError: {unavailable, unknown},
		http.StatusBadGateway:          {unavailable, unknown},
		http.StatusServiceUnavailable:  {unavailable, unavailable},
		http.StatusGatewayTimeout:      {unavailable, unknown},
	} {
		check := func(name string, answer Reply, want backstop.FailureKind) {
			t.Run(fmt.Sprintf("%d %s", status, name), func(t *testing.T) {
				t.Parallel()
				failure, server := d.callWith(t, answer, want)
				require.Equal(t, d.StatusClasses[status], failure.Class, "a class follows from a code")
				require.EqualValues(t, 1, server.requests.Load())
			})
		}
		check("with an unknown code", d.Refused(status, UnknownCode, d.leakyText()), want.own)
		check("without a body", Reply{Status: status}, want.bare)
		check("with a page", Reply{Status: status, Body: "<html>" + d.leakyText()}, want.bare)
		check("with other JSON", Reply{Status: status, Body: `{"error":"no","code":"no"}`}, want.bare)
		long := d.Refused(status, UnknownCode, "")
		long.Body += strings.Repeat(" ", 65<<10)
		check("with a body too long", long, want.bare)
	}
}

func testRetryAfter(t *testing.T, d Driver) {
	t.Helper()
	in := func(wait time.Duration) string { return time.Now().Add(wait).UTC().Format(http.TimeFormat) }
	for name, row := range map[string]struct {
		header      string
		least, most time.Duration
	}{
		"none":         {},
		"seconds":      {"7", 7 * time.Second, 7 * time.Second},
		"date":         {in(90 * time.Second), 60 * time.Second, 90 * time.Second},
		"zero":         {header: "0"},
		"negative":     {header: "-7"},
		"past":         {header: in(-time.Hour)},
		"words":        {header: "soon"},
		"too long":     {"86400", time.Hour, time.Hour},
		"far too long": {"9223372036854775807", time.Hour, time.Hour},
		"beyond a day": {in(48 * time.Hour), time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, answer := range []Reply{
				{Status: http.StatusTooManyRequests},
				d.Refused(http.StatusTooManyRequests, UnknownCode, "slow down"),
			} {
				if row.header != "" {
					answer = answer.withHeader("Retry-After", row.header)
				}
				failure, _ := d.callWith(t, answer, backstop.Throttled)
				require.GreaterOrEqual(t, failure.RetryAfter, row.least)
				require.LessOrEqual(t, failure.RetryAfter, row.most)
			}
		})
	}
}

// testUnreadable: if a 2xx answer has no valid message id, the message may have been sent.
func testUnreadable(t *testing.T, d Driver) {
	t.Helper()
	good := d.Accepted("id-1")
	bodies := map[string]string{
		"empty":          "",
		"null":           "null",
		"object":         "{}",
		"array":          "[]",
		"page":           "<html><body>OK " + d.leakyText() + "</body></html>",
		"truncated":      good.Body[:len(good.Body)-1],
		"followed":       good.Body + "x",
		"too long":       good.Body + strings.Repeat(" ", 65<<10),
		"endless":        strings.Repeat(good.Body, (1<<20)/len(good.Body)),
		"no id":          d.Accepted("").Body,
		"id too long":    d.Accepted(strings.Repeat("i", 257)).Body,
		"id not to keep": d.Accepted(`id\u0000`).Body,
	}
	for name, body := range bodies {
		if d.OwnID && body == good.Body {
			continue // the answer has no id that could be wrong
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, server := d.callWith(t, Reply{Status: good.Status, Header: good.Header, Body: body}, backstop.Unknown)
			require.EqualValues(t, 1, server.requests.Load())
		})
	}
}

func testRedirect(t *testing.T, d Driver) {
	t.Helper()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"/elsewhere", "", "://" + To} {
			t.Run(fmt.Sprintf("%d to %q", status, location), func(t *testing.T) {
				t.Parallel()
				_, server := d.callWith(t, Reply{Status: status}.withHeader("Location", location), backstop.Unknown)
				require.EqualValues(t, 1, server.requests.Load(), "the driver must not follow a redirect")
			})
		}
	}
}
