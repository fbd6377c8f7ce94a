package ledgers

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// Mark stands in place of a text that is sealed, or was removed.
const Mark = "•"

// sealedMetadata stands in place of the metadata of a send whose content is sealed. It has another form than metadata, so a
// version of the program that does not know of seals cannot read the send, and does not send the marks.
const sealedMetadata = `{"sealed": true}`

// content is what is sealed of a send, as JSON. The template and the metadata are texts, so that they are passed through letter
// for letter.
type content struct {
	Text     string  `json:"text,omitempty"`
	SMSText  string  `json:"sms_text"`
	Template *string `json:"template,omitempty"`
	Metadata *string `json:"metadata,omitempty"`
}

// Seal returns the row of a send as it is stored: with its content sealed, and with marks in place of the texts, if this
// process seals texts; with tokens if it seals numbers.
func (s *Store) Seal(r Row) (Row, error) {
	if s.seals.IsSealed() && r.HasNumber() && !backstop.IsE164(r.To) { // no constraint can see it
		return Row{}, fmt.Errorf("the recipient of send %s is no number", r.ID)
	}
	r.To, r.state = s.seals.Hide(seals.Number, r.To), s.hideWords(r.state)
	if !s.seals.Texts() || r.ContentRemovedAt != nil {
		return r, nil
	}
	return s.SealContent(r)
}

// hideWords returns the state of a send as it is stored. That a rule fired because of a failure repeats the provider's words.
func (s *Store) hideWords(st state) state {
	st.FiredReason = s.seals.Hide(seals.Words, st.FiredReason)
	return st
}

// SealContent seals the content of a row in any process.
func (s *Store) SealContent(r Row) (Row, error) {
	sealed, err := s.sealContent(r)
	if err != nil {
		return Row{}, err
	}
	r.Sealed, r.Text, r.SMSText = sealed, marked(r.Text), marked(r.SMSText)
	if r.Template != nil {
		var t backstop.Template
		if err := json.Unmarshal([]byte(*r.Template), &t); err != nil {
			return Row{}, fmt.Errorf("read template of send %s: %w", r.ID, err)
		}
		named, err := json.Marshal(backstop.Template{Name: t.Name, Language: t.Language})
		if err != nil {
			return Row{}, fmt.Errorf("write template of send %s: %w", r.ID, err)
		}
		r.Template = new(string(named))
	}
	r.Metadata = new(sealedMetadata)
	return r, nil
}

// marked returns the mark in place of a text. There is none in place of no text, so that the constraints of the table hold.
func marked(text string) string {
	if text == "" {
		return ""
	}
	return Mark
}

func (s *Store) sealContent(r Row) ([]byte, error) {
	plain, err := json.Marshal(content{Text: r.Text, SMSText: r.SMSText, Template: r.Template, Metadata: r.Metadata})
	if err != nil {
		return nil, fmt.Errorf("write content of send %s: %w", r.ID, err)
	}
	return s.seals.Seal(seals.Content, r.ID, plain)
}

// OpenContent returns the row of a send with its content as it is.
func (s *Store) OpenContent(r Row) (Row, error) {
	if r.Sealed == nil {
		return r, nil
	}
	plain, err := s.seals.Open(seals.Content, r.ID, r.Sealed)
	if err != nil {
		return Row{}, err
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return Row{}, fmt.Errorf("read content of send %s: %w", r.ID, err)
	}
	r.Sealed, r.Text, r.SMSText, r.Template, r.Metadata = nil, c.Text, c.SMSText, c.Template, c.Metadata
	return r, nil
}

// SendOf returns the send of a stored row. If its content or its number does not open, the send has none, and says so in
// Unreadable: the rest of the send is good for lists and for receipts.
func (s *Store) SendOf(r Row) (backstop.Send, error) {
	r.FiredReason = s.seals.Show(seals.Words, r.FiredReason)
	to, isDamaged := s.seals.OpenOwn(r.To)
	opened, err := s.OpenContent(r)
	if opened.To = to; err == nil && isDamaged == nil {
		return opened.Send()
	}
	if isDamaged != nil {
		to = removedNumber
	}
	r.To, r.Sealed, r.Text, r.SMSText, r.Metadata = to, nil, "", "", nil
	send, failed := r.Send()
	send.Unreadable = cmp.Or(isDamaged, err).Error()
	return send, failed
}

// removedNumber is the mask of a number of which no digit is known.
const removedNumber = "+•••••"

// SendsOf returns the sends of stored rows, in their order.
func (s *Store) SendsOf(rows []Row) ([]backstop.Send, error) {
	list := make([]backstop.Send, len(rows))
	for i, row := range rows {
		send, err := s.SendOf(row)
		if err != nil {
			return nil, err
		}
		list[i] = send
	}
	return list, nil
}
