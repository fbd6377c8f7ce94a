package codec_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/keyring"
)

func ring(t *testing.T, ids ...string) *keyring.Keyring {
	t.Helper()
	entries := make([]string, len(ids))
	for i, id := range ids {
		entries[i] = id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[1:2]), keyring.KeySize))
	}
	r, err := keyring.Parse(strings.Join(entries, ","))
	require.NoError(t, err)
	return r
}

func newCodec(t *testing.T, encrypts bool, ids ...string) *codec.Codec {
	t.Helper()
	c, err := codec.New(ring(t, ids...), encrypts)
	require.NoError(t, err)
	return c
}

func payload(text string) *commonpb.Payload {
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain"), "more": []byte("kept")}, Data: []byte(text),
	}
}

func encode(t *testing.T, c *codec.Codec, p *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	before := proto.Clone(p)
	encoded, err := c.Encode([]*commonpb.Payload{p})
	require.NoError(t, err)
	require.Len(t, encoded, 1)
	require.True(t, proto.Equal(before, p), "the argument stays as it is")
	return encoded[0]
}

func decode(t *testing.T, c *codec.Codec, p *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	decoded, err := c.Decode([]*commonpb.Payload{p})
	require.NoError(t, err)
	require.Len(t, decoded, 1)
	return decoded[0]
}

func TestCodec(t *testing.T) {
	t.Parallel()
	former, both, present := newCodec(t, true, "k1"), newCodec(t, true, "k2", "k1"), newCodec(t, true, "k2")
	plain := payload(`"the secret"`)
	old := encode(t, former, plain)
	require.Equal(t, "binary/encrypted", string(old.GetMetadata()["encoding"]))
	require.Equal(t, "k1", string(old.GetMetadata()["encryption-key-id"]))
	require.NotContains(t, old.String(), "secret")
	require.NotContains(t, old.String(), "json/plain", "the metadata is encrypted too")
	require.True(t, proto.Equal(plain, decode(t, both, old)), "each key decrypts")

	fresh := encode(t, both, plain)
	require.Equal(t, "k2", string(fresh.GetMetadata()["encryption-key-id"]), "the first key encrypts")
	require.True(t, proto.Equal(plain, decode(t, present, fresh)))

	_, err := present.Decode([]*commonpb.Payload{plain, old})
	var unreadable *codec.UnreadableError
	require.ErrorAs(t, err, &unreadable)
	var missing *keyring.MissingKeyError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "k1", missing.ID)
}

// TestCodec_off: a process that does not encrypt decrypts all the same, so encryption can be turned on and off process by process.
func TestCodec_off(t *testing.T) {
	t.Parallel()
	on, off := newCodec(t, true, "k1"), newCodec(t, false, "k1")
	plain := payload("1")
	require.Same(t, plain, encode(t, off, plain))
	require.Same(t, plain, decode(t, on, plain))
	require.True(t, proto.Equal(plain, decode(t, off, encode(t, on, plain))))

	_, err := newCodec(t, false).Decode([]*commonpb.Payload{encode(t, on, plain)})
	require.ErrorContains(t, err, `"k1" is missing`)
	_, err = codec.New(ring(t), true)
	require.ErrorIs(t, err, keyring.ErrEmpty)
	_, err = codec.New(nil, true)
	require.ErrorIs(t, err, keyring.ErrEmpty)
}

// TestCodec_damaged: no change of an encrypted payload is decrypted, nor a sealed value that is no payload.
func TestCodec_damaged(t *testing.T) {
	t.Parallel()
	keys := ring(t, "k1")
	c, err := codec.New(keys, true)
	require.NoError(t, err)
	good := encode(t, c, payload("1"))
	for i := range good.GetData() {
		bad, ok := proto.Clone(good).(*commonpb.Payload)
		require.True(t, ok)
		bad.Data[i] ^= 1
		_, err := c.Decode([]*commonpb.Payload{bad})
		require.Error(t, err, "byte %d", i)
	}
	elsewhere, err := keys.Seal([]byte("s3cret"), []byte("main/secrets"))
	require.NoError(t, err)
	noProto, err := keys.Seal([]byte("\xff"), []byte("temporal/payload"))
	require.NoError(t, err)
	for _, data := range [][]byte{nil, {}, good.GetData()[:10], elsewhere, noProto} {
		_, err = c.Decode([]*commonpb.Payload{{Metadata: good.GetMetadata(), Data: data}})
		var unreadable *codec.UnreadableError
		require.ErrorAs(t, err, &unreadable)
	}
}

// TestCodec_Configure: values, messages and details of failures are encrypted, those of a plain client are read, and the reverse.
func TestCodec_Configure(t *testing.T) {
	t.Parallel()
	var on, off, plain client.Options
	newCodec(t, true, "k1").Configure(&on)
	newCodec(t, false, "k1").Configure(&off)
	plain.DataConverter, plain.FailureConverter = converter.GetDefaultDataConverter(), temporal.GetDefaultFailureConverter()

	failed := temporal.NewApplicationErrorWithOptions("outer secret", "unsaved", temporal.ApplicationErrorOptions{
		Details: []any{"detail secret"}, Cause: errors.New("inner secret"),
	})
	failure := func(by client.Options) *failurepb.Failure { return by.FailureConverter.ErrorToFailure(failed) }
	require.NotContains(t, failure(on).String(), "secret")
	require.Contains(t, failure(off).String(), "secret")

	for _, pair := range [][2]client.Options{{on, on}, {on, off}, {off, on}, {plain, on}, {plain, off}, {off, plain}} {
		p, err := pair[0].DataConverter.ToPayloads("one", 2)
		require.NoError(t, err)
		var one string
		var two int
		require.NoError(t, pair[1].DataConverter.FromPayloads(p, &one, &two))
		require.Equal(t, "one", one)
		require.Equal(t, 2, two)

		var read *temporal.ApplicationError
		written := failure(pair[0])
		before := proto.Clone(written)
		require.ErrorAs(t, pair[1].FailureConverter.FailureToError(written), &read)
		require.True(t, proto.Equal(before, written), "the SDK records it after that")
		require.Equal(t, "outer secret", read.Message())
		require.Equal(t, "unsaved", read.Type())
		require.ErrorContains(t, read, "inner secret")
		var detail string
		require.NoError(t, read.Details(&detail))
		require.Equal(t, "detail secret", detail)
	}
}

// TestRecover: only the panic of the codec becomes an error.
func TestRecover(t *testing.T) {
	t.Parallel()
	var on, none client.Options
	newCodec(t, true, "k1").Configure(&on)
	newCodec(t, false, "k2").Configure(&none)
	encrypted, err := on.DataConverter.ToPayload("secret")
	require.NoError(t, err)
	read := func() (err error) {
		defer codec.Recover(&err)
		var text string
		return none.DataConverter.FromPayload(encrypted, &text)
	}
	require.Panics(t, func() { _ = none.DataConverter.FromPayload(encrypted, new(string)) })
	require.ErrorContains(t, read(), `key "k1" is missing in BACKSTOP_KEYRING`)

	failure := on.FailureConverter.ErrorToFailure(errors.New("secret"))
	require.Panics(t, func() { _ = none.FailureConverter.FailureToError(failure) })

	other := func() (err error) {
		defer codec.Recover(&err)
		panic("another")
	}
	require.PanicsWithValue(t, "another", func() { _ = other() })
	require.NoError(t, func() (err error) { defer codec.Recover(&err); return nil }())
}
