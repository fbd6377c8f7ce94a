package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// TestAccounts_rotation: the provider signs 50 webhooks per second while the account's secret is replaced, for two processes that
// share a database. None is refused, although forged ones arrive meanwhile.
func TestAccounts_rotation(t *testing.T) {
	t.Parallel()
	const former, present = "former-app-secret", "present-app-secret"
	r := newFleet(t, nil)
	account := r.secondAccount()
	account.Settings["app_secret"] = former
	r.createAccount(account)
	other, _ := r.second("api")
	processes := []string{r.apiURL, other}

	var (
		secret       atomic.Value
		by, answered sync.Map // the secret and the status of each webhook
		posts        sync.WaitGroup
	)
	secret.Store(former)
	stop := make(chan struct{})
	post := func(i int, secret string) {
		body := metaWebhook(secondNumber, fmt.Sprintf(`"statuses":[{"id":"wamid.%d","status":"read","timestamp":"1764000000"}]`, i))
		status := r.post(http.MethodPost, processes[i&1]+"/webhooks/meta/uk", body, signedByMeta(body, secret))
		by.Store(i, secret)
		answered.Store(i, status)
	}
	posts.Go(func() {
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-ticks.C:
				posts.Go(func() { post(i, secret.Load().(string)) })
				if i%10 == 0 {
					posts.Go(func() { post(-i-1, "forged") })
				}
			}
		}
	})
	time.Sleep(time.Second)
	r.replaceAccount(account, func(c *client.AccountChangeInput) { c.Settings["app_secret"] = present })
	secret.Store(present)
	time.Sleep(3 * time.Second)
	close(stop)
	posts.Wait()

	count := map[string]int{}
	answered.Range(func(i, status any) bool {
		secret, _ := by.Load(i)
		count[fmt.Sprintf("%v %v", secret, status)]++
		return true
	})
	t.Log(count)
	require.Len(t, count, 3, "no webhook is refused, and no forged one accepted")
	require.Greater(t, count[former+" 200"], 20)
	require.Greater(t, count[present+" 200"], 60)
	require.NotZero(t, count["forged 401"])
}

// TestAccounts_newAddress: the address of a webhook works in all processes at once, for a new account and for a new key.
func TestAccounts_newAddress(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	other, _ := r.second("api")
	report := func(account client.Account) int {
		require.Contains(t, account.WebhookURL, r.apiURL)
		return r.post(http.MethodPost, other+account.WebhookURL[len(r.apiURL):], `{"results":[]}`, nil)
	}
	spare := r.spareSMS()
	created := r.createAccount(spare)
	require.Equal(t, http.StatusOK, report(created))
	isNew := true
	changed := r.replaceAccount(spare, func(c *client.AccountChangeInput) { c.NewWebhookKey = &isNew })
	require.NotEqual(t, created.WebhookURL, changed.WebhookURL)
	require.Equal(t, http.StatusOK, report(changed))
	require.Equal(t, http.StatusOK, report(created), "the former address is valid for a while")
	changed.WebhookURL += "x"
	require.Equal(t, http.StatusNotFound, report(changed))
}
