package httpsms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/httpsms"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// ownGateway is a document that an operator wrote: a form, an id in a text, and signed receipts.
const ownGateway = `{
	"request": {
		"url": "{{base_url}}/out/{{username}}",
		"headers": {"X-Trace": "{{ref}}"},
		"auth": {"type": "header", "name": "X-Key"},
		"encoding": "form",
		"query": {"v": 2},
		"body": {"dest": ["{{to_without_plus}}"], "msg": "{{text}}", "sender": "{{from}}", "ttl": "{{ttl_seconds}}", "utf": "{{unicode:yes}}"}
	},
	"accepted": {"status": 200, "pattern": "^OK "},
	"id": {"pattern": "^OK ([0-9A-Za-z-]+);$"},
	"error": {"code": {"pattern": "(?s)^ERR ([0-9]+) "}, "text": {"pattern": "(?s)^ERR [0-9]+ (.+)$"}},
	"receipts": {
		"encoding": "form",
		"id": "mid", "ref": "trace", "status": "st",
		"words": {"D": "delivered", "S": "sent", "F": "failed", "X": "expired", "Q": "ignore", "F-*": "failed"},
		"error": {"code": "err", "text": "why"},
		"time": {"path": "ts", "layout": "unix"},
		"auth": {"type": "hmac", "header": "X-Sig", "prefix": "v1=", "signed": "timestamp+body", "separator": ".", "timestamp_header": "X-Time"},
		"answer": {"type": "application/json", "body": "{\"code\":0}"}
	}
}`

func own() providertest.Driver {
	return providertest.Driver{
		Of:           httpsms.Driver(),
		Channel:      backstop.SMS,
		Values:       map[string]string{"gateway": ownGateway, "username": username, "token": token, "receipt_secret": receiptSecret},
		Secrets:      []string{token},
		SMS:          message(),
		CheckRequest: checkOwn,
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: "OK " + id + ";"}
		},
		Refused: func(status int, code, text string) providertest.Reply {
			return providertest.Reply{Status: status, Body: fmt.Sprintf("ERR %s %s", code, text)}
		},
		Hook: func(reports ...providertest.Report) providertest.Hook {
			r := reports[0]
			form := url.Values{"mid": {r.ID}, "trace": {r.Ref}, "st": {r.Status}, "ts": {r.At}, "err": {r.Code}, "why": {r.Text}, "z": {"1"}}
			return providertest.Hook{Target: hookPath, Body: []byte(form.Encode())}
		},
		Sign: func(r *http.Request, body []byte) {
			mac := hmac.New(sha256.New, []byte(receiptSecret))
			mac.Write([]byte("1764144000." + string(body)))
			r.Header.Set("X-Time", "1764144000")
			r.Header.Set("X-Sig", "v1="+hex.EncodeToString(mac.Sum(nil)))
		},
		SignatureHeader: "X-Sig",
		Statuses: map[string]backstop.Status{
			"D": backstop.Delivered, "S": backstop.Sent, "F": backstop.Failed, "X": backstop.Failed, "F-7": backstop.Failed, "Q": "",
		},
		Failed:   "F",
		HasTimes: true,
	}
}

func checkOwn(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	require.Equal(t, "/out/user-1?v=2", r.URL.RequestURI())
	require.Equal(t, token, r.Header.Get("X-Key"))
	require.Equal(t, providertest.Ref.String(), r.Header.Get("X-Trace"))
	require.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	require.Equal(t, url.Values{"dest": {"447400123456"}, "msg": {"Grüße & 4711+1"}, "sender": {"Backstop"}}, form)
}

func TestClient_own(t *testing.T) {
	t.Parallel()
	providertest.Run(t, own())
}

func FuzzReceipts_own(f *testing.F) { providertest.Fuzz(f, own()) }

func FuzzAnswers_own(f *testing.F) { providertest.FuzzAnswers(f, own()) }
