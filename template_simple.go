package backstop

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// SimpleTemplate is the parameters of a template in a simple form. Components translates it into Meta's form.
type SimpleTemplate struct {
	Body    SimpleTexts    `json:"body,omitzero"`
	Header  *SimpleHeader  `json:"header,omitempty"`
	Buttons []SimpleButton `json:"buttons,omitempty"`
}

// SimpleTexts are parameters that are texts: in the order of their positions, or by their names. One of the two is set, or none.
type SimpleTexts struct {
	List  []string
	Named map[string]string

	isOne bool // List was given as one text
}

// SimpleHeader is the parameter of a header. Exactly one field is set.
type SimpleHeader struct {
	Text     SimpleTexts  `json:"text,omitzero"` // one text
	Image    *SimpleMedia `json:"image,omitempty"`
	Video    *SimpleMedia `json:"video,omitempty"`
	Document *SimpleMedia `json:"document,omitempty"`
}

// SimpleMedia is a file that the provider fetches.
type SimpleMedia struct {
	Link     string `json:"link"`
	Filename string `json:"filename,omitempty"` // of a document
}

// SimpleButton is the parameter of a button. Exactly one of the texts is set.
type SimpleButton struct {
	Index      int     `json:"index"` // from 0
	Payload    *string `json:"payload,omitempty"`
	URLSuffix  *string `json:"url_suffix,omitempty"`
	Code       *string `json:"code,omitempty"` // a one-time password
	CouponCode *string `json:"coupon_code,omitempty"`
}

// IsZero reports whether there are no parameters.
func (t SimpleTexts) IsZero() bool { return t.List == nil && t.Named == nil }

// MarshalJSON implements json.Marshaler.
func (t SimpleTexts) MarshalJSON() ([]byte, error) {
	var value any = t.List
	switch {
	case t.isOne:
		value = t.List[0]
	case t.Named != nil:
		value = t.Named
	}
	return json.Marshal(value) //nolint:wrapcheck // texts can be written
}

// UnmarshalJSON implements json.Unmarshaler. It reads a list, an object of texts, or one text.
func (t *SimpleTexts) UnmarshalJSON(data []byte) error {
	*t = SimpleTexts{}
	var one string
	switch {
	case json.Unmarshal(data, &one) == nil:
		t.List, t.isOne = []string{one}, true
	case json.Unmarshal(data, &t.List) == nil:
	case json.Unmarshal(data, &t.Named) == nil:
		t.List = nil
	default:
		return errors.New("read parameters: must be texts")
	}
	return nil
}

// mediaLink is the form of a link to a file.
var mediaLink = regexp.MustCompile(`^https?://[^\s/]+\S*$`)

// each calls the function for every text, with the path of its field, and returns the template with the texts that the function
// returned.
func (t SimpleTemplate) each(change func(path, text string) string) SimpleTemplate {
	of := func(path string, text *string) *string {
		if text == nil {
			return nil
		}
		return new(change(path, *text))
	}
	media := func(path string, m *SimpleMedia) *SimpleMedia {
		if m == nil {
			return nil
		}
		changed := SimpleMedia{Link: change(path+".link", m.Link)}
		if m.Filename != "" {
			changed.Filename = change(path+".filename", m.Filename)
		}
		return &changed
	}
	changed := SimpleTemplate{Body: t.Body.each("body", change)}
	if h := t.Header; h != nil {
		changed.Header = &SimpleHeader{
			Text: h.Text.each("header.text", change), Image: media("header.image", h.Image),
			Video: media("header.video", h.Video), Document: media("header.document", h.Document),
		}
	}
	for i, b := range t.Buttons {
		path := "buttons." + strconv.Itoa(i) + "."
		changed.Buttons = append(changed.Buttons, SimpleButton{
			Index: b.Index, Payload: of(path+"payload", b.Payload), URLSuffix: of(path+"url_suffix", b.URLSuffix),
			Code: of(path+"code", b.Code), CouponCode: of(path+"coupon_code", b.CouponCode),
		})
	}
	return changed
}

func (t SimpleTexts) each(path string, change func(path, text string) string) (changed SimpleTexts) {
	for i, text := range t.List {
		place := path + "." + strconv.Itoa(i)
		if t.isOne {
			place = path
		}
		changed.List = append(changed.List, change(place, text))
	}
	if t.Named != nil {
		changed.Named = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Named)) {
		changed.Named[name] = change(path+"."+clipName(name), t.Named[name])
	}
	return changed
}

// validate checks the final texts, or those of a draft. Meta refuses a parameter without text.
func (t SimpleTemplate) validate(f *fields, isDraft bool) {
	const prefix = "whatsapp.template."
	t.each(func(path, text string) string {
		switch {
		case isBlank(text):
			f.add(prefix+path, FieldBlank, blank)
		case isDraft && strings.HasPrefix(text, "{{"): // a link may begin with a variable
		case strings.HasPrefix(path, "header.") && strings.HasSuffix(path, ".link") && !mediaLink.MatchString(text):
			f.add(prefix+path, FieldLink, "must be a link like https://example.com/a.jpg")
		}
		return text
	})
	if t.Header != nil {
		t.Header.validate(f, prefix+"header")
	}
	seen := map[int]bool{}
	for i, b := range t.Buttons {
		path := prefix + "buttons." + strconv.Itoa(i)
		if seen[b.Index] {
			f.add(path+".index", FieldGivenTwice, "must be given only once")
		}
		seen[b.Index] = true
		values := 0
		for _, value := range []*string{b.Payload, b.URLSuffix, b.Code, b.CouponCode} {
			if value != nil {
				values++
			}
		}
		f.addOneValue(path, values, "payload, url_suffix, code, coupon_code")
	}
}

func (h SimpleHeader) validate(f *fields, path string) {
	values := 0
	for _, given := range []bool{!h.Text.IsZero(), h.Image != nil, h.Video != nil, h.Document != nil} {
		if given {
			values++
		}
	}
	f.addOneValue(path, values, "text, image, video, document")
	if !h.Text.IsZero() && len(h.Text.List)+len(h.Text.Named) != 1 {
		f.addMax(path+".text", FieldItemsMax, "must have at most %d items", 1)
	}
	for name, media := range map[string]*SimpleMedia{"image": h.Image, "video": h.Video} {
		if media != nil && media.Filename != "" {
			f.add(path+"."+name+".filename", FieldUnknown, "only a document has a filename")
		}
	}
}

// addOneValue adds an object that does not have exactly one of some fields.
func (f *fields) addOneValue(path string, values int, names string) {
	if values != 1 {
		f.add(path, FieldOneValue, "must have exactly one of "+names, "values", names)
	}
}

// component is a component of a send's template in Meta's form.
type component struct {
	Type       string           `json:"type"`
	SubType    string           `json:"sub_type,omitempty"`
	Index      string           `json:"index,omitempty"`
	Parameters []map[string]any `json:"parameters"`
}

// Components returns the parameters in Meta's form, or nil if there are none.
func (t SimpleTemplate) Components() (json.RawMessage, error) {
	var list []component
	if h := t.Header; h != nil {
		list = append(list, component{Type: "header", Parameters: h.parameters()})
	}
	if !t.Body.IsZero() {
		list = append(list, component{Type: "body", Parameters: t.Body.parameters()})
	}
	for _, b := range t.Buttons {
		list = append(list, b.component())
	}
	if list == nil {
		return nil, nil
	}
	return writeJSON(list)
}

func (t SimpleTexts) parameters() (list []map[string]any) {
	for _, text := range t.List {
		list = append(list, map[string]any{"type": "text", "text": text})
	}
	for _, name := range slices.Sorted(maps.Keys(t.Named)) {
		list = append(list, map[string]any{"type": "text", "parameter_name": name, "text": t.Named[name]})
	}
	return list
}

func (h SimpleHeader) parameters() []map[string]any {
	switch {
	case h.Image != nil:
		return []map[string]any{{"type": "image", "image": h.Image}}
	case h.Video != nil:
		return []map[string]any{{"type": "video", "video": h.Video}}
	case h.Document != nil:
		return []map[string]any{{"type": "document", "document": h.Document}}
	}
	return h.Text.parameters()
}

// component returns the button in Meta's form. The button of a one-time password has the form of a button with an address.
func (b SimpleButton) component() component {
	c := component{Type: "button", Index: strconv.Itoa(b.Index)}
	switch {
	case b.Payload != nil:
		c.SubType, c.Parameters = "quick_reply", []map[string]any{{"type": "payload", "payload": *b.Payload}}
	case b.CouponCode != nil:
		c.SubType, c.Parameters = "copy_code", []map[string]any{{"type": "coupon_code", "coupon_code": *b.CouponCode}}
	case b.URLSuffix != nil:
		c.SubType, c.Parameters = "url", []map[string]any{{"type": "text", "text": *b.URLSuffix}}
	case b.Code != nil:
		c.SubType, c.Parameters = "url", []map[string]any{{"type": "text", "text": *b.Code}}
	}
	return c
}
