package httpsms_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
)

func macSHA1(text string) string {
	mac := hmac.New(sha1.New, []byte(receiptSecret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func unixNow() string { return strconv.FormatInt(time.Now().Unix(), 10) }

// jwt is a second implementation of RFC 7519 with HS256.
func jwt(head, secret string, claims map[string]any) string {
	encoded, err := json.Marshal(claims)
	if err != nil {
		panic(err) // maps of texts and numbers can be encoded
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(encoded)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
