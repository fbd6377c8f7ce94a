package alibaba

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The request and its signature are the example that the manual prints ("V3 request body and signature mechanism").
func TestSigner_sign(t *testing.T) {
	t.Parallel()
	target := url.URL{Scheme: "https", Host: "ecs.cn-shanghai.aliyuncs.com", Path: "/", RawQuery: encodeQuery(url.Values{
		"RegionId": {"cn-shanghai"}, "ImageId": {"win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
	})}
	header := signer{id: "YourAccessKeyId", secret: "YourAccessKeySecret"}.sign(http.MethodPost, &target, map[string]string{
		"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
		"x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
	})
	require.Equal(t, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"+
		"x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
		header.Get("Authorization"))
	require.Empty(t, header.Get("Host"))
}

func TestEncodeQuery(t *testing.T) {
	t.Parallel()
	const odd = "a b+c*d~e/f&g=h%i\"ü"
	encoded := encodeQuery(url.Values{"b": {odd}, "a": {""}, "A": {"1"}})
	require.Equal(t, "A=1&a=&b=a%20b%2Bc%2Ad~e%2Ff%26g%3Dh%25i%22%C3%BC", encoded)
	back, err := url.ParseQuery(encoded)
	require.NoError(t, err)
	require.Equal(t, odd, back.Get("b"))
	require.NotContains(t, strings.ToLower(encoded), "+")
}
