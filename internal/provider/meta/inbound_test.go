package meta_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// change is a webhook with one change of a number.
func change(field, number, lists string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"` + field + `","value":{` +
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"` + number + `"},` +
		`"contacts":[{"profile":{"name":"Ada"},"wa_id":"447400123456"}],` + lists + `}}]}]}`
}

// inboundValues are webhooks with messages of persons, as in the manual.
func inboundValues() map[string]string {
	message := func(fields string) string {
		return change("messages", phoneID,
			`"messages":[{"from":"447400123456","id":"wamid.in","timestamp":"1764000000",`+fields+`}]`)
	}
	preference := func(value string) string {
		return change("user_preferences", phoneID, `"user_preferences":[{"wa_id":"447400123456","detail":"User requested to `+value+
			` marketing messages","category":"marketing_messages","value":"`+value+`","timestamp":1764000000}]`)
	}
	return map[string]string{
		"text":   message(`"type":"text","text":{"body":"Hi there"}`),
		"stop":   message(`"type":"text","text":{"body":"Stop"}`),
		"answer": message(`"type":"text","text":{"body":"Yes"},"context":{"from":"15550783881","id":"wamid.out"}`),
		"button": message(`"type":"button","button":{"payload":"NO","text":"Not me"},"context":{"from":"15550783881","id":"wamid.out"}`),
		"choice": message(`"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"1","title":"Later"}},"context":{"id":"wamid.out"}`),
		"row":    message(`"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"1","title":"Monday","description":"9:00"}}`),
		"image":  message(`"type":"image","image":{"id":"1","mime_type":"image/jpeg"}`),
		"halt":   preference("stop"),
		"resume": preference("resume"),
	}
}

func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]backstop.Inbound{
		"text":   {Text: "Hi there"},
		"stop":   {Text: "Stop", Keyword: backstop.StopKeyword},
		"answer": {Text: "Yes", ReplyTo: "wamid.out"},
		"button": {Text: "Not me", ReplyTo: "wamid.out"},
		"choice": {Text: "Later", ReplyTo: "wamid.out"},
		"row":    {Text: "Monday"},
		"image":  {},
		"halt":   {Keyword: backstop.StopKeyword, Category: backstop.Marketing},
		"resume": {Keyword: backstop.StartKeyword, Category: backstop.Marketing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipts, err := receive(t, inboundValues()[name])
			require.NoError(t, err)
			require.Len(t, receipts, 1)
			got := receipts[0]
			if name == "halt" || name == "resume" {
				require.Regexp(t, `^preference-[0-9a-f]{32}$`, got.MessageID, "a preference has no id")
				got.MessageID = "wamid.in"
			}
			want.From, want.To = "+447400123456", "15550783881"
			require.Equal(t, backstop.Receipt{
				Provider: "meta", Account: providertest.AccountName, Channel: backstop.WhatsApp, MessageID: "wamid.in",
				At: time.Unix(1_764_000_000, 0).UTC(), Inbound: &want,
			}, got)
		})
	}
	t.Run("the id of a preference", func(t *testing.T) {
		t.Parallel()
		id := func(name string) string {
			receipts, err := receive(t, inboundValues()[name])
			require.NoError(t, err)
			return receipts[0].MessageID
		}
		first := id("halt")
		require.Equal(t, first, id("halt"), "Meta may send a change twice")
		require.NotEqual(t, first, id("resume"))
	})
}

// What is not a message of a person to this number has no receipt.
func TestClient_Receipts_notInbound(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another number": change("messages", "106540359999999", `"messages":[{"from":"447400123456","id":"wamid.in","type":"text","text":{"body":"Stop"}}]`),
		"no number":      change("messages", phoneID, `"messages":[{"from_user_id":"GB.1349","id":"wamid.in","type":"text","text":{"body":"Stop"}}]`),
		"a new number":   change("messages", phoneID, `"messages":[{"from":"447400123456","id":"wamid.in","type":"system","system":{"body":"Ada changed"}}]`),
		"another list":   change("messages", phoneID, `"messages":{"from":"447400123456"}`),
		"no list":        change("messages", phoneID, `"messages":null`),
		"another value":  change("user_preferences", phoneID, `"user_preferences":[{"wa_id":"447400123456","category":"marketing_messages","value":"pause"}]`),
		"another matter": change("user_preferences", phoneID, `"user_preferences":[{"wa_id":"447400123456","category":"calls","value":"stop"}]`),
	} {
		receipts, err := receive(t, body)
		require.NoError(t, err, name)
		require.Empty(t, receipts, name)
	}
}

// One odd message of a person does not cost the statuses and the messages beside it.
func TestClient_Receipts_oddInbound(t *testing.T) {
	t.Parallel()
	const (
		good   = `{"from":"447400123456","id":"wamid.in","timestamp":"1764000000","type":"text","text":{"body":"Hi"}}`
		status = `"statuses":[{"id":"wamid.out","status":"read","timestamp":"1764000000"}]`
	)
	for odd, isUnreadable := range map[string]bool{
		`null`: true, `7`: true, `"text"`: true, `[]`: true, `{}`: true, `{"from":"447400123456","id":""}`: true,
		`{"from":"447400123456","id":{"x":1}}`:                     true,
		`{"from":[],"id":"wamid.odd","type":{}}`:                   false,
		`{"from":"GB.1349","id":"wamid.odd","type":"text"}`:        false,
		`{"from":"447400123456","id":"wamid.odd","type":"system"}`: false,
	} {
		receipts, err := receive(t, change("messages", phoneID, status+`,"messages":[`+odd+`,`+good+`]`))
		require.Equal(t, isUnreadable, backstop.CodeOf(err) == backstop.Invalid, "%s: %v", odd, err)
		require.Len(t, receipts, 2, odd)
		require.Equal(t, backstop.Read, receipts[0].Status)
		require.Equal(t, "Hi", receipts[1].Inbound.Text)
	}
	for _, list := range []string{`7`, `"odd"`, `{}`, `true`} {
		receipts, err := receive(t, change("messages", phoneID, status+`,"messages":`+list))
		require.NoError(t, err)
		require.Len(t, receipts, 1, list)
	}
	for _, field := range []string{`"context":7`, `"context":{"id":{}}`, `"text":"Hi"`, `"text":{"body":7}`, `"button":[]`, `"interactive":{"button_reply":7}`} {
		receipts, err := receive(t, change("messages", phoneID, status+`,"messages":[{"from":"447400123456","id":"wamid.in","type":"text",`+field+`}]`))
		require.NoError(t, err, field)
		require.Len(t, receipts, 2, field)
	}
}

// TestClient_Receipts_siblings: Meta posts the webhooks of all numbers of an app to one address. What is about the number of another
// account belongs to that account, if the webhook is signed by the app of that account.
func TestClient_Receipts_siblings(t *testing.T) {
	t.Parallel()
	const theirs, strange = "106540352242923", "106540352249999"
	siblings := map[string]provider.Client{}
	sibling := func(field, value string) provider.Client {
		require.Equal(t, "phone_number_id", field)
		return siblings[value]
	}
	open := func(account, number, secret string) *meta.Client {
		s := options("http://127.0.0.1:1")
		s.Account, s.Sibling = account, sibling
		s.Values["phone_number_id"], s.Values["app_secret"] = number, secret
		return newClient(t, s)
	}
	siblings[theirs] = open("uk", theirs, appSecret)
	siblings[strange] = open("other-app", strange, "another-app-secret")
	receiver := open("main", phoneID, appSecret)
	read := func(body string) []backstop.Receipt {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/meta", nil)
		sign(r, []byte(body))
		receipts, err := receiver.Receipts(r, []byte(body))
		require.NoError(t, err)
		return receipts
	}
	lists := `"statuses":[{"id":"wamid.out","status":"read","timestamp":"1764000000"}],` +
		`"messages":[{"from":"447400123456","id":"wamid.in","timestamp":"1764000000","type":"text","text":{"body":"Stop"}}]`
	for number, account := range map[string]string{phoneID: "main", theirs: "uk"} {
		receipts := read(change("messages", number, lists))
		require.Len(t, receipts, 2, account)
		for _, receipt := range receipts {
			require.Equal(t, account, receipt.Account)
		}
		require.Equal(t, backstop.StopKeyword, receipts[1].Inbound.Keyword)
	}
	for _, number := range []string{strange, "106540352240000"} {
		require.Empty(t, read(change("messages", number, lists)), "of another app, or of nobody's number")
	}
}
