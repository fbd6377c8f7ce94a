package infobip

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/backstophq/backstop/internal/provider"
)

// encodeJSON writes a request. It leaves <, > and & as they are.
func encodeJSON(request any) ([]byte, error) {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return content.Bytes(), nil
}

// decodeJSON parses JSON. A field of an unexpected type stays empty and the other fields are read. A body that is not JSON is an
// error.
func decodeJSON(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err //nolint:wrapcheck // the text of the error is not used, because it quotes the answer
}

// readRefusal parses the body of an error. It returns nil if Infobip did not write the body. The API has two forms of error:
// ApiError (version 3 of SMS) and ApiException (WhatsApp).
func readRefusal(body []byte) *provider.Refusal {
	var answer struct {
		Code        provider.Loose `json:"errorCode"` // like E401
		Description provider.Loose `json:"description"`
		Violations  []struct {
			Property  provider.Loose `json:"property"`
			Violation provider.Loose `json:"violation"`
		} `json:"violations"`
		Request struct {
			Exception struct {
				Code       provider.Loose              `json:"messageId"` // like UNAUTHORIZED
				Text       provider.Loose              `json:"text"`
				Violations map[string][]provider.Loose `json:"validationErrors"`
			} `json:"serviceException"`
		} `json:"requestError"`
	}
	if decodeJSON(body, &answer) != nil {
		return nil
	}
	exception := answer.Request.Exception
	code := codeOf(cmp.Or(answer.Code, exception.Code))
	if code == "" {
		return nil
	}
	texts := []string{string(cmp.Or(answer.Description, exception.Text, "an error without a text"))}
	for _, v := range answer.Violations {
		texts = append(texts, string(v.Property)+": "+string(v.Violation))
	}
	for _, property := range slices.Sorted(maps.Keys(exception.Violations)) {
		for _, violation := range exception.Violations[property] {
			texts = append(texts, property+": "+string(violation))
		}
	}
	return &provider.Refusal{Code: code, Text: strings.Join(texts, "; "), Meaning: codeMeaning(code)}
}
