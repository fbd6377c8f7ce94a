package accounts

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/provider"
)

// ListAccounts returns the present state of all accounts: those of the environment, then the stored ones, the oldest first.
func (d *Directory) ListAccounts(ctx context.Context) ([]backstop.AccountState, error) {
	if err := d.Load(ctx); err != nil {
		return nil, err
	}
	now, all := d.o.Now(), d.List()
	states := make([]backstop.AccountState, len(all))
	for i, o := range all {
		states[i] = d.state(o, now)
	}
	return states, nil
}

// GetAccount returns the present state of an account, or an Error of code NotFound.
func (d *Directory) GetAccount(ctx context.Context, name string) (backstop.AccountState, error) {
	if err := d.Load(ctx); err != nil {
		return backstop.AccountState{}, err
	}
	return d.found(name)
}

func (d *Directory) found(name string) (backstop.AccountState, error) {
	o, found := d.Find(name)
	if !found {
		return backstop.AccountState{}, errNotFound()
	}
	return d.state(o, d.o.Now()), nil
}

func errNotFound() error {
	return &backstop.Error{Code: backstop.NotFound, Message: "there is no such account"}
}

// CreateAccount stores a new account. Its error has the code Conflict, or Invalid with each wrong setting. With isChecked the
// provider is asked first.
func (d *Directory) CreateAccount(ctx context.Context, account backstop.Account, isChecked bool) (backstop.AccountState, error) {
	driver, known := d.driver(account.Provider)
	if !known {
		return backstop.AccountState{}, d.errProvider()
	}
	if _, taken := d.Find(account.Name); taken {
		return backstop.AccountState{}, errTaken()
	}
	account.WebhookKey, account.Former, account.IsFromEnvironment = newWebhookKey(), nil, false
	opened, unchecked, err := d.prepare(ctx, driver, account, isChecked)
	if err != nil {
		return backstop.AccountState{}, err
	}
	record, err := d.sealed(driver.Provider, opened.Account)
	if err != nil {
		return backstop.AccountState{}, err
	}
	stored, err := d.o.Store.CreateAccount(ctx, record)
	if err != nil {
		return backstop.AccountState{}, err
	}
	return d.changed(ctx, opened, stored, unchecked), nil
}

// changed returns the state of an account that was just stored. If the accounts cannot be loaded now, they are by the next look.
func (d *Directory) changed(ctx context.Context, opened Open, stored Record, unchecked string) backstop.AccountState {
	if err := d.Load(ctx); err != nil {
		d.o.Log.WarnContext(ctx, "accounts are not loaded after a change", slog.Any("error", err))
	}
	opened.Version, opened.CreatedAt, opened.UpdatedAt = stored.Version, stored.CreatedAt, stored.UpdatedAt
	state := d.state(opened, d.o.Now())
	state.Unchecked = unchecked
	return state
}

func (d *Directory) errProvider() error {
	names := make([]string, len(d.o.Drivers))
	for i, driver := range d.o.Drivers {
		names[i] = driver.Name
	}
	all := strings.Join(names, " ")
	return invalid(backstop.NewField("provider", backstop.FieldOneOf, "must be one of "+all, "values", all))
}

func errTaken() error {
	return &backstop.Error{
		Code: backstop.Conflict, Message: "another account has this name",
		Fields: []backstop.Field{backstop.NewField("name", backstop.FieldTaken, "is taken")},
	}
}

func invalid(fields ...backstop.Field) error {
	return &backstop.Error{Code: backstop.Invalid, Message: "the account is not valid", Fields: fields}
}

// newWebhookKey returns a random text of 26 letters and digits, with 130 bits.
func newWebhookKey() string { return strings.ToLower(rand.Text()) }

// sealed returns the record of an account, or an Error of code Invalid if there is no keyring.
func (d *Directory) sealed(p backstop.Provider, account backstop.Account) (Record, error) {
	if d.o.Keyring.IsEmpty() {
		return Record{}, &backstop.Error{
			Code: backstop.Invalid, Cause: keyring.ErrEmpty,
			Message: "accounts cannot be stored, because there is no key for their secrets: set " + keyring.Variable +
				" to a key that the command `backstop keys generate` prints, for all processes, and start them again",
		}
	}
	return seal(d.o.Keyring, p, account)
}

// prepare validates an account, opens it, and asks the provider if isChecked. It returns why the provider could not be asked.
func (d *Directory) prepare(
	ctx context.Context, driver provider.Driver, account backstop.Account, isChecked bool,
) (opened Open, unchecked string, err error) {
	account = withDefaults(driver.Provider, account)
	if err := driver.ValidateAccount(account); err != nil {
		return Open{}, "", err
	}
	opened, err = d.open(account)
	if err != nil {
		return Open{}, "", d.refusal(driver.Provider, account, err)
	}
	if !isChecked || !driver.ChecksAccounts {
		return opened, "", nil
	}
	check := d.check(ctx, opened)
	switch check.Result {
	case backstop.CheckRefused:
		return Open{}, "", invalid(check.Fields...)
	case backstop.CheckUnreachable:
		unchecked = check.Reason
	case backstop.CheckWorks, backstop.CheckNotPossible:
	}
	return opened, unchecked, nil
}

// refusal returns the Error of code Invalid for an account that its driver does not open. An error that names no setting stays
// as it is.
func (d *Directory) refusal(p backstop.Provider, account backstop.Account, err error) error {
	fields := d.faultFields(p, account, err)
	if len(fields) == 0 {
		return err
	}
	return invalid(fields...)
}

// faultFields returns the wrong settings of an account that an error names. It hides the account's secrets, which the driver may
// not have added to the shared ones.
func (d *Directory) faultFields(p backstop.Provider, account backstop.Account, err error) []backstop.Field {
	var own []string
	for name, value := range account.Settings {
		if p.IsSecret(name) {
			own = append(own, value)
		}
	}
	hider := provider.NewPoster(0, nil, own...)
	var fields []backstop.Field
	for _, fault := range provider.FieldErrors(err) {
		reason := provider.NewPoster(0, d.o.Secrets).Text(hider.Text(fault.Reason))
		fields = append(fields, backstop.NewField(
			"settings."+fault.Field, backstop.FieldRefused, "is refused: "+reason, "reason", reason))
	}
	return fields
}

// CheckAccount asks the provider whether an account works. Its error has the code NotFound or TryLater.
func (d *Directory) CheckAccount(ctx context.Context, name string) (backstop.AccountCheck, error) {
	if err := d.Load(ctx); err != nil {
		return backstop.AccountCheck{}, err
	}
	o, found := d.Find(name)
	switch {
	case !found:
		return backstop.AccountCheck{}, errNotFound()
	case o.Fault != "":
		return backstop.AccountCheck{Result: backstop.CheckNotPossible, Reason: o.Fault}, nil
	}
	return d.check(ctx, o), nil
}

// check asks the provider whether an open account works.
func (d *Directory) check(ctx context.Context, o Open) backstop.AccountCheck {
	checker, ok := o.Client.(provider.Checker)
	if !ok {
		return backstop.AccountCheck{Result: backstop.CheckNotPossible, Reason: "the provider offers no check of an account"}
	}
	err := checker.Check(ctx)
	if err == nil {
		return backstop.AccountCheck{Result: backstop.CheckWorks}
	}
	if fields := d.faultFields(o.Driver.Provider, o.Account, err); len(fields) > 0 {
		return backstop.AccountCheck{Result: backstop.CheckRefused, Fields: fields}
	}
	return backstop.AccountCheck{Result: backstop.CheckUnreachable, Reason: d.faultOf(err)}
}

// DeleteAccount deletes an account that is disabled and not in use. Errors have the code NotFound, Stale or Conflict.
func (d *Directory) DeleteAccount(ctx context.Context, name string, version int) error {
	if o, found := d.Find(name); found && o.IsFromEnvironment {
		return errFromEnvironment()
	}
	if err := d.o.Store.DeleteAccount(ctx, name, version); err != nil {
		return err
	}
	d.o.Changed(ctx, name)
	return d.Load(ctx)
}
