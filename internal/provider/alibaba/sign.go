package alibaba

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop/internal/provider"
)

// algorithm is the name of the signature (manual, "V3 request body and signature mechanism").
const algorithm = "ACS3-HMAC-SHA256"

// call makes one request of the RPC style: every parameter is in the query, and the body is empty.
func (c *Client) call(ctx context.Context, action string, parameters url.Values) (provider.Answer, error) {
	target := *c.endpoint
	target.RawQuery = encodeQuery(parameters)
	header := c.signer.sign(http.MethodPost, &target, map[string]string{
		"x-acs-action":          action,
		"x-acs-version":         c.version,
		"x-acs-date":            time.Now().UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": rand.Text(),
	})
	return c.poster.Post(ctx, target.String(), header, nil)
}

// encodeQuery writes parameters in the order of their names, escaped by RFC 3986.
func encodeQuery(parameters url.Values) string {
	return strings.ReplaceAll(parameters.Encode(), "+", "%20")
}

// signer signs requests with an AccessKey.
type signer struct{ id, secret string }

// sign returns the headers of a request with an empty body: those given and those of the signature.
func (s signer) sign(method string, target *url.URL, given map[string]string) http.Header {
	payload := hexSum(nil)
	signed := maps.Clone(given)
	signed["host"], signed["x-acs-content-sha256"] = target.Host, payload
	var lines strings.Builder
	names := slices.Sorted(maps.Keys(signed))
	for _, name := range names {
		lines.WriteString(name + ":" + signed[name] + "\n")
	}
	list := strings.Join(names, ";")
	canonical := strings.Join([]string{method, target.EscapedPath(), target.RawQuery, lines.String(), list, payload}, "\n")
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte(algorithm + "\n" + hexSum([]byte(canonical))))
	header := http.Header{"Accept": {"application/json"}}
	for name, value := range signed {
		if name != "host" { // net/http writes it
			header.Set(name, value)
		}
	}
	signature := hex.EncodeToString(mac.Sum(nil))
	header.Set("Authorization", algorithm+" Credential="+s.id+",SignedHeaders="+list+",Signature="+signature)
	return header
}

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
