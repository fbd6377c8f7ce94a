package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The names of the accounts. The default accounts are given by the environment, the others are stored by the API.
const (
	defaultWhatsApp = meta
	secondWhatsApp  = "meta-second" // another number of the same app
	defaultSMS      = twilio
	spareSMS        = "infobip-spare"
)

// The numbers of the WhatsApp accounts, and the key of the simulated Infobip (docs/sandbox.md).
const (
	firstNumber  = "106540352242922"
	secondNumber = "106540352242923"
	infobipKey   = "sandbox-api-key"
)

// providerOf returns the provider of an SMS account. Each provider has one, so a call of a provider is a call of its account.
func providerOf(account string) string {
	if account == spareSMS {
		return infobip
	}
	return twilio
}

// numberOf returns the number from which a WhatsApp account sends.
func numberOf(account string) string {
	if account == secondWhatsApp {
		return secondNumber
	}
	return firstNumber
}

// makeAccounts creates the stored accounts, and waits until both processes have them.
func (s *stack) makeAccounts(ctx context.Context) error {
	for _, in := range []map[string]any{
		{
			"name": spareSMS, "provider": infobip, "channel": sms,
			"settings": map[string]string{"base_url": s.boxURL + "/infobip", "api_key": infobipKey},
		},
		{
			"name": secondWhatsApp, "provider": meta, "channel": whatsApp,
			"settings": map[string]string{
				"base_url": s.boxURL, "phone_number_id": secondNumber, "access_token": s.env["BACKSTOP_META_ACCESS_TOKEN"],
				"app_secret": s.env["BACKSTOP_META_APP_SECRET"], "verify_token": s.env["BACKSTOP_META_VERIFY_TOKEN"],
				"throughput": s.env["BACKSTOP_META_THROUGHPUT"],
			},
		},
	} {
		in["call_timeout_seconds"] = int(callLength.Seconds())
		var made struct {
			Name string `json:"name"`
		}
		if err := s.api.call(ctx, http.MethodPost, "/v1/accounts", nil, in, http.StatusCreated, &made); err != nil {
			return fmt.Errorf("make account: %w", err)
		}
		for _, one := range s.listening() {
			if err := s.awaitAccount(ctx, one, made.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitAccount waits until a process has a stored account.
func (s *stack) awaitAccount(ctx context.Context, one *serve, name string) error {
	own := newAPI("http://"+one.address, s.api.key)
	for deadline := time.Now().Add(readyTimeout); ; {
		var found struct{}
		err := own.call(ctx, http.MethodGet, "/v1/accounts/"+name, nil, nil, http.StatusOK, &found)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("await account %s: %w", name, err)
		}
		if !sleepFor(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// outage is an outage of a simulated provider.
type outage struct {
	channel string
	kind    string // as the sandbox names it
}

// The kinds of outage of the sandbox.
const (
	outageAccount = "account" // the credentials are refused
	outageDown    = "down"    // calls are answered with 503
	outageHang    = "hang"    // calls are not answered, and nothing is sent
)

// outageOf returns the outage that a fault is, or false.
func outageOf(kind faultKind) (outage, bool) {
	all := map[faultKind]outage{
		refuseSMS: {sms, outageAccount}, downSMS: {sms, outageDown}, hangSMS: {sms, outageHang},
		downWhatsApp: {whatsApp, outageDown},
	}
	found, isOutage := all[kind]
	return found, isOutage
}

// outageFor makes the provider of a fault go out of order for a while. If two outages of a provider overlap, the second replaces
// the first, and both end with the first.
func (s *stack) outageFor(ctx context.Context, f fault) error {
	out, _ := outageOf(f.Kind)
	path := "/outages/" + f.Provider
	box := newAPI(s.boxURL, "")
	err := box.call(ctx, http.MethodPut, path, nil, map[string]string{"kind": out.kind}, http.StatusNoContent, nil)
	sleepFor(ctx, f.Length)
	return errors.Join(err, box.call(ctx, http.MethodDelete, path, nil, nil, http.StatusNoContent, nil))
}

// hadOutage reports whether a provider had an outage of one of these kinds between two moments.
func (r *record) hadOutage(provider string, from, until time.Time, kinds ...string) bool {
	return slices.ContainsFunc(r.faults, func(f fault) bool {
		out, isOutage := outageOf(f.Kind)
		isThen := f.Began.Before(until) && f.Ended.After(from)
		return isOutage && f.Provider == provider && slices.Contains(kinds, out.kind) && isThen
	})
}
