package api

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/backstophq/backstop"
)

// ListProviders answers GET /v1/providers.
func (s *server) ListProviders(context.Context, ListProvidersRequestObject) (ListProvidersResponseObject, error) {
	return ListProviders200JSONResponse{Items: showAll(s.accounts.Providers(), showProvider)}, nil
}

// ListAccounts answers GET /v1/accounts.
func (s *server) ListAccounts(ctx context.Context, r ListAccountsRequestObject) (ListAccountsResponseObject, error) {
	page, err := readAccountPage(r.Params.Cursor, r.Params.Limit, sortOf(r.Params.Sort))
	if err != nil {
		return nil, err
	}
	all, err := s.accounts.ListAccounts(ctx)
	if err != nil {
		return nil, err
	}
	filter := backstop.AccountFilter{
		Search: orZero(r.Params.Search), Channel: backstop.Channel(orZero(r.Params.Channel)),
		Provider: orZero(r.Params.Provider), Disabled: r.Params.Disabled,
	}
	items, total, next := page.of(all, filter)
	if err := s.addProfiles(ctx, items); err != nil {
		return nil, err
	}
	shown := ListAccounts200JSONResponse{Items: showAll(items, showAccount), NextCursor: next}
	if orZero(r.Params.Total) {
		shown.Total = showTotal(total)
	}
	return shown, nil
}

// CreateAccount answers POST /v1/accounts.
func (s *server) CreateAccount(ctx context.Context, r CreateAccountRequestObject) (CreateAccountResponseObject, error) {
	in := *r.Body
	account := backstop.Account{
		Name: in.Name, Provider: in.Provider, Channel: backstop.Channel(in.Channel), Settings: in.Settings,
		OnUnknown: backstop.OnUnknown(orZero(in.OnUnknown)), WhenUnhealthy: backstop.WhenUnhealthy(orZero(in.WhenUnhealthy)),
		CallTimeout:    seconds(in.CallTimeoutSeconds),
		CallsPerSecond: orZero(in.CallsPerSecond), CallsAtOnce: orZero(in.CallsAtOnce),
		Countries: orZero(in.Countries), IsDisabled: orZero(in.Disabled),
	}
	state, err := s.accounts.CreateAccount(ctx, account, isChecked(r.Params.Check))
	if err != nil {
		return nil, err
	}
	return CreateAccount201JSONResponse{Body: showAccount(state), Headers: CreateAccount201ResponseHeaders{
		ETag: etagOf(state.Version), Location: "/v1/accounts/" + state.Name,
	}}, nil
}

// GetAccount answers GET /v1/accounts/{name}.
func (s *server) GetAccount(ctx context.Context, r GetAccountRequestObject) (GetAccountResponseObject, error) {
	state, err := s.accounts.GetAccount(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	shown := []backstop.AccountState{state}
	if err := s.addProfiles(ctx, shown); err != nil {
		return nil, err
	}
	return GetAccount200JSONResponse{
		Body: showAccount(shown[0]), Headers: GetAccount200ResponseHeaders{ETag: etagOf(state.Version)},
	}, nil
}

// ReplaceAccount answers PUT /v1/accounts/{name}.
func (s *server) ReplaceAccount(ctx context.Context, r ReplaceAccountRequestObject) (ReplaceAccountResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch, s.accountVersion(ctx, r.Name))
	if err != nil {
		return nil, err
	}
	state, err := s.accounts.ReplaceAccount(ctx, accountChange(r.Name, *r.Body), version, isChecked(r.Params.Check))
	if err != nil {
		return nil, err
	}
	return ReplaceAccount200JSONResponse{
		Body: s.showChanged(ctx, state), Headers: ReplaceAccount200ResponseHeaders{ETag: etagOf(state.Version)},
	}, nil
}

// accountChange returns the change that a body asks for.
func accountChange(name string, in AccountChangeInput) backstop.AccountChange {
	return backstop.AccountChange{
		NewWebhookKey: orZero(in.NewWebhookKey), KeepFormerUntil: in.KeepFormerSecretsUntil,
		Account: backstop.Account{
			Name: name, Settings: in.Settings,
			OnUnknown: backstop.OnUnknown(orZero(in.OnUnknown)), WhenUnhealthy: backstop.WhenUnhealthy(orZero(in.WhenUnhealthy)),
			CallTimeout:    seconds(in.CallTimeoutSeconds),
			CallsPerSecond: orZero(in.CallsPerSecond), CallsAtOnce: orZero(in.CallsAtOnce),
			Countries: orZero(in.Countries), IsDisabled: orZero(in.Disabled),
		},
	}
}

// showChanged returns an account that was changed, with its profile if that can be read: the change is stored.
func (s *server) showChanged(ctx context.Context, state backstop.AccountState) Account {
	shown := []backstop.AccountState{state}
	if err := s.addProfiles(ctx, shown); err != nil {
		s.log.WarnContext(ctx, "profile of a changed account is not read", slog.Any("error", err))
	}
	return showAccount(shown[0])
}

// DeleteAccount answers DELETE /v1/accounts/{name}.
func (s *server) DeleteAccount(ctx context.Context, r DeleteAccountRequestObject) (DeleteAccountResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch, s.accountVersion(ctx, r.Name))
	if err != nil {
		return nil, err
	}
	if err := s.accounts.DeleteAccount(ctx, r.Name, version); err != nil {
		return nil, err
	}
	return DeleteAccount204Response{}, nil
}

// CheckAccount answers POST /v1/accounts/{name}/check.
func (s *server) CheckAccount(ctx context.Context, r CheckAccountRequestObject) (CheckAccountResponseObject, error) {
	check, err := s.accounts.CheckAccount(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	return CheckAccount200JSONResponse{
		Result: AccountCheckResult(check.Result), Reason: omitZero(check.Reason),
		Errors: omitEmpty(showAll(check.Fields, showField)),
	}, nil
}

func (s *server) accountVersion(ctx context.Context, name string) func() (int, error) {
	return func() (int, error) {
		state, err := s.accounts.GetAccount(ctx, name)
		return state.Version, err
	}
}

// isChecked reports whether the provider is asked before an account is stored.
func isChecked(check *bool) bool { return check == nil || *check }

func seconds(n *int) time.Duration { return time.Duration(orZero(n)) * time.Second }

func showAccount(a backstop.AccountState) Account {
	source := AccountSourceDatabase
	if a.IsFromEnvironment {
		source = AccountSourceEnvironment
	}
	settings := a.Settings
	if settings == nil {
		settings = AccountSettings{}
	}
	return Account{
		Name: a.Name, Provider: a.Provider, Channel: Channel(a.Channel), Settings: settings,
		SecretsSet: append([]string{}, a.SecretsSet...), OnUnknown: OnUnknown(a.OnUnknown),
		WhenUnhealthy: WhenUnhealthy(a.WhenUnhealthy), CallTimeoutSeconds: int(a.CallTimeout / time.Second),
		CallsPerSecond: omitZero(a.CallsPerSecond), CallsAtOnce: omitZero(a.CallsAtOnce), Countries: omitEmpty(a.Countries),
		Disabled: a.IsDisabled, Source: source, WebhookURL: a.WebhookURL,
		FormerWebhookValidUntil: timeOrNil(a.FormerWebhookUntil), FormerSecrets: omitEmpty(showAll(a.Former, showFormer)),
		Unchecked: omitZero(a.Unchecked != ""), UncheckedReason: omitZero(a.Unchecked), Fault: omitZero(a.Fault),
		HidesStored: omitZero(a.HidesStored),
		Health: AccountHealth{
			State: AccountHealthState(a.Health.State), Since: timeOrNil(a.Health.Since), Reason: omitZero(a.Health.Reason),
		},
		Profile: showProfile(a.Profile),
		Version: a.Version, CreatedAt: timeOrNil(a.CreatedAt), UpdatedAt: timeOrNil(a.UpdatedAt),
	}
}

func showFormer(f backstop.FormerSetting) FormerSecret {
	return FormerSecret{Field: f.Field, ValidUntil: f.ValidUntil.UTC()}
}

// timeOrNil returns nil for the zero time, so the answer omits the field.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return inUTC(&t)
}

func showProvider(p backstop.Provider) Provider {
	return Provider{
		Name: p.Name, Title: p.Title, Channels: showAll(p.Channels, showChannel), Fields: showAll(p.Fields, showAccountField),
		SignsWebhooks: p.SignsWebhooks, RefusesRepeats: p.RefusesRepeats, AnswersInquiries: p.AnswersInquiries,
		ChecksAccounts: p.ChecksAccounts, OnUnknown: OnUnknown(p.OnUnknown),
	}
}

func showChannel(c backstop.Channel) Channel { return Channel(c) }

func showAccountField(f backstop.AccountField) AccountField {
	return AccountField{
		Name: f.Name, Kind: AccountFieldKind(f.Kind), Required: f.Required, Channels: omitEmpty(showAll(f.Channels, showChannel)),
		Pattern: omitZero(f.Pattern), Default: omitZero(f.Default), Choices: omitEmpty(f.Choices),
		Verifies: omitZero(f.Verifies), Label: f.Label, Help: f.Help,
	}
}

// checkAccounts runs a check that looks for accounts. If it misses one, another process may have stored it a moment ago:
// checkAccounts reads the accounts again and repeats the check.
func (s *server) checkAccounts(ctx context.Context, check func(backstop.Accounts) error) error {
	return s.checkThese(ctx, s.accounts, check)
}

// checkThese does the same with some of the accounts.
func (s *server) checkThese(
	ctx context.Context, accounts backstop.Accounts, check func(backstop.Accounts) error,
) error {
	err := check(accounts)
	if s.refresh == nil || !missesAccount(err) {
		return err
	}
	s.refresh(ctx)
	return check(accounts)
}

// orUnopened returns the error of a send. If no account serves its recipient, and one would that cannot be opened, because a key
// is missing, it is an Error of code TryLater: the caller has made no mistake.
func (s *server) orUnopened(ctx context.Context, err error) error {
	invalid, ok := errors.AsType[*backstop.Error](err)
	if !ok {
		return err
	}
	i := slices.IndexFunc(invalid.Fields, func(f backstop.Field) bool { return f.Code == backstop.FieldNoAccount })
	if i < 0 {
		return err
	}
	of := invalid.Fields[i].Params
	all, failed := s.accounts.ListAccounts(ctx)
	if failed != nil {
		return failed
	}
	for _, a := range all {
		if a.Fault != "" && !a.IsDisabled && string(a.Channel) == of["channel"] && a.Serves(of["country"]) {
			message := "account " + a.Name + " cannot be opened"
			return &backstop.Error{Code: backstop.TryLater, Message: message, Cause: errors.New(a.Fault)}
		}
	}
	return err
}

func missesAccount(err error) bool {
	invalid, ok := errors.AsType[*backstop.Error](err)
	return ok && slices.ContainsFunc(invalid.Fields, func(f backstop.Field) bool {
		return f.Code == backstop.FieldUnknownAccount || f.Code == backstop.FieldNoAccount
	})
}
