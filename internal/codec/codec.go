// Package codec encrypts what Temporal stores of a workflow: inputs, results, signals, updates, queries, memos, summaries, and
// the messages and details of failures. The keys are those of the keyring: the first encrypts, and all decrypt.
package codec

import (
	"errors"
	"fmt"
	"net/http"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/backstophq/backstop/internal/keyring"
)

// Encoding is the encoding of an encrypted payload, in its metadata.
const Encoding = "binary/encrypted"

// keyIDField is the field of the metadata that names the key, for people who look at a history. Decode reads the id in the data,
// which is authenticated.
const keyIDField = "encryption-key-id"

// place is authenticated with each payload. So a sealed value of the database does not open as a payload, and the reverse.
const place = "temporal/payload"

// Codec decrypts encrypted payloads, and encrypts payloads if its setting says so. It is safe for concurrent use.
type Codec struct {
	ring     *keyring.Keyring
	encrypts bool
}

var _ converter.PayloadCodec = (*Codec)(nil)

// New returns a codec. It fails with keyring.ErrEmpty if it shall encrypt and there is no key.
func New(ring *keyring.Keyring, encrypts bool) (*Codec, error) {
	if encrypts && ring.IsEmpty() {
		return nil, keyring.ErrEmpty
	}
	return &Codec{ring: ring, encrypts: encrypts}, nil
}

// Encode encrypts payloads with the first key, each with its metadata.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if !c.encrypts {
		return payloads, nil
	}
	return convert(payloads, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("marshal payload: %w", err)
		}
		sealed, err := c.ring.Seal(plain, []byte(place))
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		return &commonpb.Payload{Data: sealed, Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(Encoding), keyIDField: []byte(c.ring.SealingID()),
		}}, nil
	})
}

// Decode decrypts the payloads that are encrypted, and returns the others as they are. Its error is an *UnreadableError.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return convert(payloads, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != Encoding {
			return p, nil
		}
		plain, err := c.ring.Open(p.GetData(), []byte(place))
		if err != nil {
			return nil, &UnreadableError{cause: err}
		}
		opened := &commonpb.Payload{}
		if err := proto.Unmarshal(plain, opened); err != nil {
			return nil, &UnreadableError{cause: errors.New("the decrypted payload is malformed")}
		}
		return opened, nil
	})
}

func convert(
	payloads []*commonpb.Payload, one func(*commonpb.Payload) (*commonpb.Payload, error),
) ([]*commonpb.Payload, error) {
	converted := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if converted[i], err = one(p); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// UnreadableError is the error of a payload whose key is missing, or that is damaged.
type UnreadableError struct{ cause error }

func (e *UnreadableError) Error() string { return "decrypt payload: " + e.cause.Error() }
func (e *UnreadableError) Unwrap() error { return e.cause }

// Configure makes a client, and the workers that use it, encrypt and decrypt.
//
// A payload that cannot be decrypted causes a panic. In a worker the SDK turns the panic into a failed task, which the engine
// repeats until the key is back. After an error the SDK would go on without the payload: it drops a signal, fails a workflow
// whose input it cannot read, and gives a workflow another end of an activity than the history has. Other callers of the client
// turn the panic into an error by Recover.
func (c *Codec) Configure(o *client.Options) {
	o.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), panicking{c})
	o.FailureConverter = failures{temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: o.DataConverter, EncodeCommonAttributes: c.encrypts,
	})}
}

// failures is a failure converter that decodes a copy. The SDK (1.50) decodes the failure of a local activity in place, and then
// records it: the history would have the message in plain text.
type failures struct{ converter.FailureConverter }

// FailureToError returns the error of a failure.
func (c failures) FailureToError(failure *failurepb.Failure) error {
	return c.FailureConverter.FailureToError(proto.CloneOf(failure)) //nolint:wrapcheck // it is the result
}

// panicking is a codec whose Decode panics in place of an error.
type panicking struct{ *Codec }

func (c panicking) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, err := c.Codec.Decode(payloads)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

// Recover turns the panic of a payload that cannot be decrypted into an error. It must be deferred itself.
func Recover(err *error) {
	switch cause := recover().(type) {
	case nil:
	case *UnreadableError:
		*err = cause
	default:
		panic(cause)
	}
}

// Handler serves the codec protocol of Temporal: POST …/decode and POST …/encode. It limits no body and authenticates nobody.
func (c *Codec) Handler() http.Handler { return converter.NewPayloadCodecHTTPHandler(c) }
