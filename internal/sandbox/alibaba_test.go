package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

func TestAlibaba_options(t *testing.T) {
	t.Parallel()
	o := options()
	o.Faces = []sandbox.Face{sandbox.Alibaba{SMSWebhookURL: "backstop", WhatsAppWebhookURL: "/x"}}
	_, err := sandbox.New(o)
	for _, name := range []string{"AccessKeyID", "AccessKeySecret", "WhatsAppSender", "SMSWebhookURL", "WhatsAppWebhookURL"} {
		require.ErrorContains(t, err, "Alibaba."+name)
	}
}

// A call without a valid signature is refused before its parameters are read.
func TestAlibaba_signature(t *testing.T) {
	t.Parallel()
	o := options()
	o.Faces = []sandbox.Face{sandbox.Alibaba{AccessKeyID: "key", AccessKeySecret: "secret", WhatsAppSender: "8613800000000"}}
	server := newServer(t, o)
	const list = "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-version"
	for name, row := range map[string]struct{ authorization, date, want string }{
		"none":        {"", "2026-11-26T10:00:00Z", "MissingSecurityToken"},
		"another key": {"ACS3-HMAC-SHA256 Credential=other," + list + ",Signature=00", "2026-11-26T10:00:00Z", "InvalidAccessKeyId.NotFound"},
		"no date":     {"ACS3-HMAC-SHA256 Credential=key," + list + ",Signature=00", "", "InvalidTimeStamp.Format"},
		"old date":    {"ACS3-HMAC-SHA256 Credential=key," + list + ",Signature=00", "2020-11-26T10:00:00Z", "InvalidTimeStamp.Expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/alibaba/sms/", "/alibaba/whatsapp/"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path+"?To=49151", strings.NewReader(""))
				r.Header.Set("Authorization", row.authorization)
				r.Header.Set("X-Acs-Date", row.date)
				w := httptest.NewRecorder()
				server.ServeHTTP(w, r)
				require.GreaterOrEqual(t, w.Code, 400)
				require.Contains(t, w.Body.String(), `"Code":"`+row.want+`"`)
			}
		})
	}
}
