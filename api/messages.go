package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// Messages stores the messages, with the same errors as Rules.
type Messages interface {
	CreateMessage(ctx context.Context, in backstop.MessageInput) (backstop.Message, error)
	Message(ctx context.Context, id string) (backstop.Message, error)
	// MessageNamed returns the message of a name. Capitals do not matter.
	MessageNamed(ctx context.Context, name string) (backstop.Message, error)
	ListMessages(
		ctx context.Context, filter backstop.MessageFilter, page backstop.Page,
	) (messages []backstop.Message, more bool, err error)
	CountMessages(ctx context.Context, filter backstop.MessageFilter) (backstop.Total, error)
	ReplaceMessage(ctx context.Context, id string, in backstop.MessageInput, version int) (backstop.Message, error)
	DeleteMessage(ctx context.Context, id string, version int) error
	// MessageVersions returns up to limit versions of a message, the newest first, of those before a version; 0: of all.
	MessageVersions(ctx context.Context, id string, before, limit int) (versions []backstop.MessageVersion, more bool, err error)
}

// CreateMessage answers POST /v1/messages.
func (s *server) CreateMessage(ctx context.Context, r CreateMessageRequestObject) (CreateMessageResponseObject, error) {
	in, err := messageFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	message, err := s.stored.CreateMessage(ctx, in)
	if err != nil {
		return nil, err
	}
	shown, err := showMessage(message)
	if err != nil {
		return nil, err
	}
	return CreateMessage201JSONResponse{Body: shown, Headers: CreateMessage201ResponseHeaders{
		ETag: etagOf(message.Version), Location: "/v1/messages/" + message.ID,
	}}, nil
}

// GetMessage answers GET /v1/messages/{id}.
func (s *server) GetMessage(ctx context.Context, r GetMessageRequestObject) (GetMessageResponseObject, error) {
	message, err := s.stored.Message(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	shown, err := showMessage(message)
	if err != nil {
		return nil, err
	}
	return GetMessage200JSONResponse{
		Body: shown, Headers: GetMessage200ResponseHeaders{ETag: etagOf(message.Version)},
	}, nil
}

// ListMessages answers GET /v1/messages.
func (s *server) ListMessages(ctx context.Context, r ListMessagesRequestObject) (ListMessagesResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, sortOf(r.Params.Sort))
	if err != nil {
		return nil, err
	}
	filter := backstop.MessageFilter{Search: orZero(r.Params.Search)}
	messages, more, err := s.stored.ListMessages(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	total, err := countIf(r.Params.Total, func() (backstop.Total, error) { return s.stored.CountMessages(ctx, filter) })
	if err != nil {
		return nil, err
	}
	items, err := showEach(messages, showMessage)
	if err != nil {
		return nil, err
	}
	return ListMessages200JSONResponse{
		Items: items,
		Total: total,
		NextCursor: nextCursor(more, func() string {
			last := messages[len(messages)-1]
			return placeOf(page.Sort, last.ID, last.Name, last.UpdatedAt)
		}),
	}, nil
}

// ReplaceMessage answers PUT /v1/messages/{id}.
func (s *server) ReplaceMessage(ctx context.Context, r ReplaceMessageRequestObject) (ReplaceMessageResponseObject, error) {
	id := canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, s.messageVersion(ctx, id))
	if err != nil {
		return nil, err
	}
	in, err := messageFrom(*r.Body)
	if err != nil {
		return nil, err
	}
	message, err := s.stored.ReplaceMessage(ctx, id, in, version)
	if err != nil {
		return nil, err
	}
	shown, err := showMessage(message)
	if err != nil {
		return nil, err
	}
	return ReplaceMessage200JSONResponse{
		Body: shown, Headers: ReplaceMessage200ResponseHeaders{ETag: etagOf(message.Version)},
	}, nil
}

// DeleteMessage answers DELETE /v1/messages/{id}.
func (s *server) DeleteMessage(ctx context.Context, r DeleteMessageRequestObject) (DeleteMessageResponseObject, error) {
	id := canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, s.messageVersion(ctx, id))
	if err != nil {
		return nil, err
	}
	if err := s.stored.DeleteMessage(ctx, id, version); err != nil {
		return nil, err
	}
	return DeleteMessage204Response{}, nil
}

// ListMessageVersions answers GET /v1/messages/{id}/versions.
func (s *server) ListMessageVersions(
	ctx context.Context, r ListMessageVersionsRequestObject,
) (ListMessageVersionsResponseObject, error) {
	limit := defaultLimit
	if r.Params.Limit != nil {
		limit = *r.Params.Limit
	}
	versions, more, err := s.stored.MessageVersions(ctx, canonicalID(r.ID), orZero(r.Params.Before), limit)
	if err != nil {
		return nil, err
	}
	items, err := showEach(versions, showMessageVersion)
	if err != nil {
		return nil, err
	}
	answer := ListMessageVersions200JSONResponse{Items: items}
	if more {
		answer.NextBefore = &versions[len(versions)-1].Version
	}
	return answer, nil
}

// PreviewMessage answers POST /v1/messages/preview.
func (s *server) PreviewMessage(_ context.Context, r PreviewMessageRequestObject) (PreviewMessageResponseObject, error) {
	content, err := messageContentFrom(r.Body.Whatsapp, r.Body.Sms)
	if err != nil {
		return nil, err
	}
	if err := content.Validate(); err != nil {
		return nil, err
	}
	send, names := content.Content(backstop.Variables(orZero(r.Body.Variables))).Draft()
	return PreviewMessage200JSONResponse{
		Content: showContent(send), Sms: showSMSLength(backstop.MeasureSMS(send.SMSText)),
		Variables: append([]string{}, names...),
	}, nil
}

func (s *server) messageVersion(ctx context.Context, id string) func() (int, error) {
	return func() (int, error) {
		message, err := s.stored.Message(ctx, id)
		return message.Version, err
	}
}

// messageFrom returns the valid message of a request.
func messageFrom(in MessageInput) (backstop.MessageInput, error) {
	content, err := messageContentFrom(in.Whatsapp, in.Sms)
	if err != nil {
		return backstop.MessageInput{}, err
	}
	content.Category = backstop.Category(orZero(in.Category))
	message := backstop.MessageInput{Name: in.Name, MessageContent: content}
	return message, message.Validate()
}

func messageContentFrom(whatsapp MessageWhatsApp, sms MessageSMS) (backstop.MessageContent, error) {
	template, err := templateFrom(whatsapp.Template)
	return backstop.MessageContent{
		Text: orZero(whatsapp.Text), Template: template, SMSText: sms.Text, MaxSegments: orZero(sms.MaxSegments),
		Transliterates: orZero(sms.Transliterate),
	}, err
}

func showMessage(m backstop.Message) (Message, error) {
	template, err := showContentTemplate(m.Template)
	return Message{
		ID: m.ID, Name: m.Name, Whatsapp: MessageWhatsApp{Text: omitZero(m.Text), Template: template},
		Sms: showMessageSMS(m.MessageContent), Category: omitZero(Category(m.Category)),
		Variables: append([]string{}, m.Variables()...),
		Version:   m.Version, CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
	}, err
}

func showMessageVersion(v backstop.MessageVersion) (MessageVersion, error) {
	template, err := showContentTemplate(v.Template)
	return MessageVersion{
		Version: v.Version, Name: v.Name, Whatsapp: MessageWhatsApp{Text: omitZero(v.Text), Template: template},
		Sms: showMessageSMS(v.MessageContent), Category: omitZero(Category(v.Category)),
		Variables: append([]string{}, v.Variables()...), CreatedAt: v.CreatedAt.UTC(),
	}, err
}

func showMessageSMS(m backstop.MessageContent) MessageSMS {
	return MessageSMS{
		Text: m.SMSText, MaxSegments: omitZero(m.MaxSegments), Transliterate: omitZero(m.Transliterates),
	}
}

// showEach is showAll with a function that may fail.
func showEach[T, S any](items []T, show func(T) (S, error)) ([]S, error) {
	shown := make([]S, len(items))
	for i, item := range items {
		var err error
		if shown[i], err = show(item); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// findMessage returns the message that a send names.
func (s *server) findMessage(ctx context.Context, named NamedMessage) (backstop.Message, error) {
	find, key, field := s.stored.MessageNamed, orZero(named.Name), "message.name"
	switch {
	case (named.ID == nil) == (named.Name == nil):
		return backstop.Message{}, badMessage(backstop.NewField(
			"message", backstop.FieldOneValue, "must have exactly one of id, name", "values", "id, name"))
	case named.ID != nil:
		find, key, field = s.stored.Message, canonicalID(*named.ID), "message.id"
	}
	message, err := find(ctx, key)
	if backstop.CodeOf(err) == backstop.NotFound {
		return message, badMessage(backstop.NewField(
			field, backstop.FieldNotFound, "there is no such message: see GET /v1/messages"))
	}
	return message, err
}

func badMessage(field backstop.Field) error {
	return &backstop.Error{Code: backstop.Invalid, Message: "the send is not valid", Fields: []backstop.Field{field}}
}
