package vonage_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/vonage"
)

const (
	applicationID   = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
	signatureSecret = "signature-s3cret-0123456789"
	sender          = "447860099299"
)

// privateKey is the key of the application under test.
var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pkcs8() string {
	der, err := x509.MarshalPKCS8PrivateKey(privateKey())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func driver(channel backstop.Channel) providertest.Driver {
	d := providertest.Driver{
		Of:      vonage.Driver(),
		Channel: channel,
		Values:  map[string]string{"application_id": applicationID, "private_key": pkcs8(), "signature_secret": signatureSecret},
		Secrets: []string{signatureSecret},
		SMS: backstop.SMSMessage{
			Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & <4711>", ValidFor: 90500 * time.Millisecond,
		},
		WhatsApp:     backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Grüße & <4711>"},
		CheckRequest: checkSMS,
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusAccepted, Body: `{"new_field":{"x":[1]},"message_uuid":"` + id + `"}`}
		},
		Refused:         refused,
		Codes:           codes(),
		Hook:            hook(channel),
		Sign:            sign,
		SignatureHeader: "Authorization",
		Statuses: map[string]backstop.Status{
			"submitted": backstop.Sent, "delivered": backstop.Delivered, "read": backstop.Read, "rejected": backstop.Failed,
			"undeliverable": backstop.Failed,
		},
		Failed:   "rejected",
		HasTimes: true,
	}
	if channel == backstop.WhatsApp {
		d.Values["sender"], d.CheckRequest = "+"+sender, checkText
	}
	return d
}

func TestSMS(t *testing.T) {
	t.Parallel()
	providertest.Run(t, driver(backstop.SMS))
}

func TestWhatsApp(t *testing.T) {
	t.Parallel()
	providertest.Run(t, driver(backstop.WhatsApp))
}

func FuzzReceipts(f *testing.F) {
	for _, body := range []string{
		`{"message_uuid":"1","from":"447400123456","to":"12345","message_type":"text","text":"STOP","timestamp":"2026-11-09T16:00:00Z"}`,
		`{"message_uuid":7,"status":"rejected","error":"odd","channel":[]}`, `"text"`,
	} {
		f.Add("", []byte(body), true)
	}
	providertest.Fuzz(f, driver(backstop.WhatsApp))
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, driver(backstop.SMS)) }

// codes is the table of the manual. Vonage answers most with HTTP 422.
func codes() providertest.CodeTable {
	var table providertest.CodeTable
	table.AddWords(backstop.Throttled, "", 429, "1000")
	table.AddWords(backstop.Throttled, "", 422, "1241")
	table.Add(backstop.Unavailable, "", 422, 1030, 1100, 1230, 1331)
	table.Add(backstop.Rejected, backstop.RecipientFault, 422, 1050, 1170, 1180, 1190, 1200, 1220, 1250, 1251, 1260, 1270, 1280, 1290)
	table.Add(backstop.Rejected, backstop.RecipientFault, 422, 1300, 1310, 1330, 1340, 1360, 1430, 1461, 1483)
	table.Add(backstop.Rejected, backstop.OptedOut, 422, 1240)
	table.Add(backstop.Rejected, backstop.TemplateFault, 422, 1010, 1020, 1021, 1022, 1040, 1090, 1130, 1150, 1210, 1282)
	table.Add(backstop.Rejected, backstop.TemplateFault, 422, 1380, 1381, 1382, 1410, 1440, 1450, 1451)
	table.AddWords(backstop.Rejected, backstop.TemplateFault, 422, "invalid-params")
	table.Add(backstop.Rejected, backstop.AccountFault, 422, 1060, 1070, 1080, 1120, 1140, 1160, 1400, 1420, 1460, 1470, 1472, 1473)
	table.Add(backstop.Rejected, backstop.AccountFault, 422, 1480, 1481, 1482, 1484)
	table.AddWords(backstop.Rejected, backstop.AccountFault, 401, "unauthorized", "invalid-api-key", "invalid-signature", "jwt-expired", "jwt-revoked")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 403, "forbidden", "unprovisioned", "account-suspended", "low-balance")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 402, "low-balance")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 500, "unauthorized")
	table.Add(backstop.Rejected, "", 422, 1350, 1370, 9999) // of other channels
	return table
}

func refused(status int, code, text string) providertest.Reply {
	return providertest.Reply{Status: status, Body: `{"type":"https://developer.vonage.com/api-errors/messages#` + code + `","title":"Refused",` +
		`"detail":` + providertest.Quote(text) + `,"instance":"bf0ca0bf927b3b52e3cb03217e1a1ddf","invalid_parameters":[{"name":"to","reason":"why"}]}`}
}

// checkToken verifies the token of a call with the application's public key.
func checkToken(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	require.True(t, found)
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	require.NoError(t, rsa.VerifyPKCS1v15(&privateKey().PublicKey, crypto.SHA256, digest[:], signature))
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	require.JSONEq(t, `{"alg":"RS256","typ":"JWT"}`, string(header))
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(raw, &claims))
	return claims
}

func checkHeader(t *testing.T, r *http.Request) {
	t.Helper()
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/v1/messages", r.URL.RequestURI())
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	claims := checkToken(t, r)
	require.Equal(t, applicationID, claims["application_id"])
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	require.InDelta(t, time.Now().Unix(), issued, 60)
	require.InDelta(t, 900, expires-issued, 0)
	require.NotEmpty(t, claims["jti"])
}

const addresses = `"webhook_url":"https://backstop.example/webhooks/vonage/main","webhook_version":"v1"`

func checkSMS(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	checkHeader(t, r)
	require.JSONEq(t, `{"message_type":"text","channel":"sms","to":"447400123456","from":"Backstop","text":"Grüße & <4711>","ttl":90,
		"sms":{"encoding_type":"auto"},"client_ref":"`+providertest.Ref.String()+`",`+addresses+`}`, string(body))
}

func checkText(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	checkHeader(t, r)
	require.JSONEq(t, `{"message_type":"text","channel":"whatsapp","to":"447400123456","from":"`+sender+`","text":"Grüße & <4711>",
		"client_ref":"`+providertest.Ref.String()+`",`+addresses+`}`, string(body))
}

func hook(channel backstop.Channel) func(...providertest.Report) providertest.Hook {
	return func(reports ...providertest.Report) providertest.Hook {
		r := reports[0]
		at := r.At
		if seconds, err := strconv.ParseInt(at, 10, 64); err == nil && seconds < 1e15 {
			at = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
		}
		body := `{"message_uuid":` + providertest.Quote(r.ID) + `,"to":"447400123456","from":"` + sender + `","timestamp":` + providertest.Quote(at) +
			`,"status":` + providertest.Quote(r.Status) + `,"channel":"` + string(channel) + `","client_ref":` + providertest.Quote(r.Ref) +
			`,"usage":{"currency":"EUR","price":"0.0333"},"destination":{"network_code":"12345"},"sms":{"count_total":"2"},"new_field":[null]`
		if r.Code != "" {
			body += `,"error":{"type":"https://developer.vonage.com/api-errors/messages#` + r.Code + `","title":` + providertest.Quote(r.Code) +
				`,"detail":` + providertest.Quote(r.Text) + `,"instance":"bf0ca0bf927b3b52e3cb03217e1a1ddf"}`
		}
		return providertest.Hook{Target: "/webhooks/vonage/main", Body: []byte(body + `}`)}
	}
}

// token returns a token as Vonage makes it for a webhook.
func token(header, claims, secret string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func claimsOf(body []byte) string {
	digest := sha256.Sum256(body)
	return `{"iat":1587494962,"jti":"c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5","iss":"Vonage","payload_hash":"` + hex.EncodeToString(digest[:]) +
		`","api_key":"a1b2c3d","application_id":"` + applicationID + `"}`
}

func sign(r *http.Request, body []byte) {
	r.Header.Set("Authorization", "Bearer "+token(`{"alg":"HS256","typ":"JWT"}`, claimsOf(body), signatureSecret))
}
