package httpsms

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // a gateway may sign with HMAC-SHA1
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// receiptAuth is how a receipt shows that the gateway sent it, besides the secret in the path.
type receiptAuth struct {
	kind      string // none, basic, header, hmac or jwt
	username  string // basic
	header    string // header and hmac
	prefix    string // before the secret or the signature in the header
	algorithm string // hmac: sha256, sha1 or sha512
	format    string // hmac: hex or base64
	signed    string // hmac: what is signed
	separator string // hmac: between the timestamp and the body
	timestamp string // hmac: the header of the timestamp
	tolerance time.Duration
	audience  bool // jwt: the token must be for the account's address
}

const maxTolerance = 86_400 // seconds

func (n node) receiptAuth() receiptAuth {
	fields := n.object("type", "username", "header", "prefix", "algorithm", "format", "signed", "separator", "timestamp_header",
		"tolerance_seconds", "audience")
	a := receiptAuth{
		kind:      fields["type"].choice("none", "basic", "header", "hmac", "jwt"),
		username:  fields["username"].text(),
		header:    fields["header"].text(),
		prefix:    fields["prefix"].text(),
		algorithm: fields["algorithm"].choice("sha256", "sha1", "sha512"),
		format:    fields["format"].choice("hex", "base64"),
		signed:    fields["signed"].choice("body", "body+timestamp", "timestamp+body", "url+parameters"),
		separator: fields["separator"].text(),
		timestamp: fields["timestamp_header"].text(),
		tolerance: time.Duration(fields["tolerance_seconds"].whole(0, maxTolerance)) * time.Second,
		audience:  fields["audience"].isTrue(),
	}
	needsHeader := a.kind == "header" || a.kind == "hmac"
	if needsHeader && !headerName.MatchString(a.header) {
		fields["header"].faultf("must be the name of a header")
	}
	if a.kind == "basic" && a.username == "" {
		fields["username"].faultf("is required")
	}
	if a.kind == "hmac" && (strings.Contains(a.signed, "timestamp") || a.tolerance > 0) && !headerName.MatchString(a.timestamp) {
		fields["timestamp_header"].faultf("must be the name of a header")
	}
	return a
}

// isAuthentic verifies a receipt with the present and the former secrets, in constant time.
func (c *Client) isAuthentic(r *http.Request, body []byte, now time.Time) bool {
	a := c.gateway.receipts.auth
	if a.kind == "none" {
		return true
	}
	genuine := false
	for _, secret := range c.receiptSecrets {
		genuine = secret != "" && c.verify(r, body, secret, now) || genuine
	}
	return genuine
}

func (c *Client) verify(r *http.Request, body []byte, secret string, now time.Time) bool {
	a := c.gateway.receipts.auth
	switch a.kind {
	case "basic":
		username, password, _ := r.BasicAuth()
		return equal(username, a.username) && equal(password, secret)
	case "header":
		return equal(r.Header.Get(a.header), a.prefix+secret)
	case "hmac":
		return c.isSigned(r, body, secret, now)
	default:
		return c.hasToken(r, secret, now)
	}
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// isSigned verifies an HMAC.
func (c *Client) isSigned(r *http.Request, body []byte, secret string, now time.Time) bool {
	a := c.gateway.receipts.auth
	written, ok := strings.CutPrefix(r.Header.Get(a.header), a.prefix)
	signature, err := a.decode(written)
	if !ok || err != nil {
		return false
	}
	stamp := ""
	if a.timestamp != "" {
		stamp = r.Header.Get(a.timestamp)
	}
	if a.tolerance > 0 {
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > a.tolerance {
			return false
		}
	}
	genuine := false
	for _, text := range c.signedTexts(r, body, stamp) {
		mac := hmac.New(a.hash(), []byte(secret))
		mac.Write(text)
		genuine = hmac.Equal(signature, mac.Sum(nil)) || genuine
	}
	return genuine
}

func (a receiptAuth) hash() func() hash.Hash {
	switch a.algorithm {
	case "sha1":
		return sha1.New
	case "sha512":
		return sha512.New
	default:
		return sha256.New
	}
}

func (a receiptAuth) decode(signature string) ([]byte, error) {
	if a.format == "base64" {
		return base64.StdEncoding.Strict().DecodeString(signature) //nolint:wrapcheck // any error means forged
	}
	return hex.DecodeString(signature) //nolint:wrapcheck // any error means forged
}

// signedTexts returns what the gateway may have signed: one text, or one for each public address.
func (c *Client) signedTexts(r *http.Request, body []byte, stamp string) [][]byte {
	a := c.gateway.receipts.auth
	switch a.signed {
	case "body+timestamp":
		return [][]byte{[]byte(string(body) + a.separator + stamp)}
	case "timestamp+body":
		return [][]byte{[]byte(stamp + a.separator + string(body))}
	case "url+parameters":
		return c.signedURLs(r, body)
	default:
		return [][]byte{body}
	}
}

// signedURLs returns the addresses that the gateway may have called, with the parameters of the form, sorted by name.
func (c *Client) signedURLs(r *http.Request, body []byte) [][]byte {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	var parameters strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			parameters.WriteString(name + value)
		}
	}
	texts := make([][]byte, len(c.publicURLs))
	for i, public := range c.publicURLs {
		texts[i] = []byte(public.String() + r.URL.RequestURI() + parameters.String())
	}
	return texts
}

// clockSkew is how far the clocks of the gateway and of this machine may differ.
const clockSkew = time.Minute

// hasToken verifies a JSON Web Token of algorithm HS256 in the Authorization header (RFC 7519 and RFC 7515).
func (c *Client) hasToken(r *http.Request, secret string, now time.Time) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return false
	}
	var head struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Audience  any          `json:"aud"`
		ExpiresAt *json.Number `json:"exp"`
		NotBefore *json.Number `json:"nbf"`
	}
	if !readPart(parts[0], &head) || head.Algorithm != "HS256" || !readPart(parts[1], &claims) {
		return false
	}
	isOver := claims.ExpiresAt != nil && !now.Before(seconds(*claims.ExpiresAt).Add(clockSkew))
	isEarly := claims.NotBefore != nil && now.Before(seconds(*claims.NotBefore).Add(-clockSkew))
	return !isOver && !isEarly && (!c.gateway.receipts.auth.audience || c.isAudience(claims.Audience))
}

func readPart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// seconds reads a NumericDate. An unreadable one is long ago.
func seconds(n json.Number) time.Time {
	value, err := n.Float64()
	if err != nil || value < 0 || value > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(value), 0)
}

// isAudience reports whether a token is for an address of the account's webhook.
func (c *Client) isAudience(audience any) bool {
	list, isList := audience.([]any)
	if !isList {
		list = []any{audience}
	}
	for _, public := range c.publicURLs {
		if slices.Contains(list, any(public.JoinPath(c.webhookPath).String())) {
			return true
		}
	}
	return false
}
