package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/backstophq/backstop"
)

// ListTemplates answers GET /v1/templates.
func (s *server) ListTemplates(ctx context.Context, r ListTemplatesRequestObject) (ListTemplatesResponseObject, error) {
	page, err := readTemplatePage(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	filter := backstop.TemplateFilter{
		Name: orZero(r.Params.Name), Status: backstop.TemplateStatus(orZero(r.Params.Status)),
		Language: orZero(r.Params.Language),
	}
	accounts, err := s.accounts.ListAccounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts { // an account of the environment may be gone, and its templates not
		if r.Params.Account == nil || *r.Params.Account == a.Name {
			filter.Accounts = append(filter.Accounts, a.Name)
		}
	}
	templates, more, err := s.profiles.ListTemplates(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	return ListTemplates200JSONResponse{
		Items: showAll(templates, showTemplate),
		NextCursor: nextCursor(more, func() string {
			last := templates[len(templates)-1]
			place, _ := json.Marshal([]string{last.Account, last.Name, last.Language}) // texts can be written
			return string(place)
		}),
	}, nil
}

// readTemplatePage reads the parameters of the list. A cursor is the account, the name and the language of the last template, as
// JSON in base64.
func readTemplatePage(cursor *string, limit *int) (backstop.TemplatePage, error) {
	p := backstop.TemplatePage{Limit: defaultLimit}
	if limit != nil {
		p.Limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*cursor)
	var place [3]string
	if err != nil || json.Unmarshal(text, &place) != nil || !isPlace(place) {
		return p, badCursor()
	}
	p.Account, p.Name, p.Language = place[0], place[1], place[2]
	return p, nil
}

// isPlace reports whether a template may have this account, name and language.
func isPlace(place [3]string) bool {
	for _, text := range place {
		if text == "" || !isASCII(text) {
			return false
		}
	}
	return true
}

func isASCII(text string) bool {
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

func showTemplate(t backstop.MessageTemplate) MessageTemplate {
	return MessageTemplate{
		Account: t.Account, Name: t.Name, Language: t.Language, Status: string(t.Status), Reason: omitZero(t.Reason),
		Category: string(t.Category), PreviousCategory: omitZero(string(t.PreviousCategory)),
		Quality: omitZero(string(t.Quality)),
		Format:  MessageTemplateFormat(t.Format), TTLSeconds: int(t.TimeToLive() / time.Second),
		Parameters: TemplateParameters{
			Header: append([]string{}, t.Parameters.Header...), HeaderMedia: omitZero(t.Parameters.HeaderMedia),
			Body: append([]string{}, t.Parameters.Body...), Unchecked: omitZero(t.Parameters.IsPartial),
			Buttons: showAll(t.Parameters.Buttons, func(b backstop.TemplateButton) TemplateButton {
				return TemplateButton{Index: b.Index, URL: b.URL}
			}),
		},
		Components: t.Components, UpdatedAt: t.UpdatedAt.UTC(),
	}
}

// addProfiles sets what was read of the accounts.
func (s *server) addProfiles(ctx context.Context, states []backstop.AccountState) error {
	names := make([]string, len(states))
	for i, state := range states {
		names[i] = state.Name
	}
	profiles, err := s.profiles.Profiles(ctx, names)
	if err != nil {
		return err
	}
	for i, state := range states {
		if profile, found := profiles[state.Name]; found {
			states[i].Profile = &profile
		}
	}
	return nil
}

func showProfile(p *backstop.AccountProfile) *AccountProfile {
	if p == nil {
		return nil
	}
	shown := &AccountProfile{
		DisplayNumber: omitZero(p.DisplayNumber), VerifiedName: omitZero(p.VerifiedName), Status: omitZero(p.Status),
		NameStatus: omitZero(p.NameStatus), Quality: omitZero(string(p.Quality)), Throughput: omitZero(p.Throughput),
		MessagingLimit: omitZero(p.MessagingLimit), ReadAt: timeOrNil(p.ReadAt), TemplatesReadAt: timeOrNil(p.TemplatesReadAt),
		Fault: omitZero(p.Fault), RecipientLimit: omitZero(p.RecipientLimit()),
	}
	if shown.RecipientLimit != nil {
		shown.Recipients24H = p.Recipients
	}
	return shown
}
