package meta

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// read asks for fields of an object and decodes the answer. Some fields exist in some versions of the API only, so several lists
// of fields are given, the longest first: the next one is asked for if Meta refuses the one before as a wrong parameter. read
// returns the list that Meta answered.
func (c *Client) read(
	ctx context.Context, address string, query url.Values, fields [][]string, into any,
) (answered [][]string, err error) {
	for i, names := range fields {
		query.Set("fields", strings.Join(names, ","))
		answer, err := c.poster.Get(ctx, address+"?"+query.Encode(), c.header)
		if err != nil {
			return nil, err
		}
		if answer.Accepted() {
			if json.Unmarshal(answer.Body, into) != nil {
				return nil, &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer is not readable, or too long"}
			}
			return fields[i : i+1], nil
		}
		refusal := readRefusal(answer.Body)
		isLast := i == len(fields)-1
		if isLast || refusal == nil || refusal.Code != wrongParameter || refusal.Meaning == provider.Account {
			return nil, c.unread(answer, refusal)
		}
	}
	return nil, &backstop.Failure{Kind: backstop.Rejected, Reason: "no fields are asked for"}
}

// unread returns the failure of a GET. Its repetition changes nothing, so no end of it is unknown.
func (c *Client) unread(answer provider.Answer, refusal *provider.Refusal) *backstop.Failure {
	failure := c.poster.Refused(answer, refusal)
	if failure.Kind == backstop.Unknown {
		failure.Kind = backstop.Unavailable
	}
	return failure
}

// wrongParameter is codeParameter as a refusal has it.
const wrongParameter = "100"

// word is a word of Meta's as Backstop has it: in small letters. A value of another type is empty.
type word string

// UnmarshalJSON never fails.
func (w *word) UnmarshalJSON(raw []byte) error {
	var text provider.Loose
	_ = text.UnmarshalJSON(raw) // it never fails
	*w = word(lower(string(text)))
	return nil
}

// maxWord is the longest word that is kept, in bytes.
const maxWord = 64

func lower(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if len(text) > maxWord {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(text))
}
