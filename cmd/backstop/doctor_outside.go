package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/workflows"
)

// causeOf returns the cause of an error of Postgres. The text of the error lacks it.
func causeOf(err error) string {
	if away, ok := errors.AsType[*backstop.Error](err); ok && away.Cause != nil {
		return away.Cause.Error()
	}
	return err.Error()
}

// checkNamespace checks Temporal and its namespace, and reports whether the namespace can be used.
func (d *diagnosis) checkNamespace(ctx context.Context, p *program, isMigrated bool) bool {
	ctx, cancel := within(ctx)
	defer cancel()
	c := p.config.Temporal
	if err := p.temporal.check(ctx); err != nil {
		d.add("temporal", isFault, fmt.Sprintf("%s cannot be reached: %v", c.Address, err),
			"check that Temporal runs, and the variables that begin with BACKSTOP_TEMPORAL_")
		return false
	}
	d.add("temporal", isOK, c.Address+" answers", "")
	described, err := p.temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: c.Namespace})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); missing {
		d.add("namespace", isFault, c.Namespace+" does not exist",
			"temporal operator namespace create --retention 7d "+c.Namespace+", or correct BACKSTOP_TEMPORAL_NAMESPACE")
		return false
	}
	if err != nil {
		d.add("namespace", isFault, fmt.Sprintf("%s cannot be read: %v", c.Namespace, err),
			"check the rights of the API key or certificate")
		return false
	}
	kept := described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	d.checkRetention(ctx, p, kept, isMigrated)
	return true
}

// checkRetention compares how long Temporal keeps a run that has ended with the waits of a send.
func (d *diagnosis) checkRetention(ctx context.Context, p *program, kept time.Duration, isMigrated bool) {
	needed, why := p.config.Send.SMSReceiptWait, "BACKSTOP_SMS_RECEIPT_WAIT"
	if isMigrated {
		if wait, err := p.db.LongestWait(ctx); err == nil && wait > needed {
			needed, why = wait, "the longest wait of a rule"
		}
	}
	name := p.config.Temporal.Namespace
	text := fmt.Sprintf("%s keeps a run for %v after its end", name, kept)
	if kept < needed {
		d.add("namespace", isWarning, fmt.Sprintf("%s, less than %v, %s", text, needed, why),
			"temporal operator namespace update --retention 7d "+name+", to look at runs for longer")
		return
	}
	d.add("namespace", isOK, text, "")
}

// checkWorkers checks that processes poll the task queues.
func (d *diagnosis) checkWorkers(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	install, err := p.db.Installation(ctx)
	if err != nil {
		d.add("workers", isFault, "the installation cannot be read: "+causeOf(err), "run backstop migrate")
		return
	}
	queues := []string{workflows.QueueOf(install)}
	if len(p.config.Callback.secrets()) > 0 { // without a secret no callback is posted
		queues = append(queues, workflows.CallbackQueueOf(install))
	}
	pollers := map[string]bool{}
	for _, queue := range queues {
		described, err := p.temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
			Namespace: p.config.Temporal.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue},
			TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW,
		})
		if err != nil {
			d.add("workers", isFault, fmt.Sprintf("task queue %s cannot be read: %v", queue, err), "see the log of Temporal")
			return
		}
		if len(described.GetPollers()) == 0 {
			d.add("workers", isFault, "no worker polls the task queue "+queue, "start backstop serve or backstop worker")
			return
		}
		if !d.checkVersions(queue, described) {
			return
		}
		for _, poller := range described.GetPollers() {
			pollers[poller.GetIdentity()] = true
		}
	}
	names := strings.Join(slices.Sorted(maps.Keys(pollers)), ", ")
	d.add("workers", isOK, fmt.Sprintf("%d poll the task queues: %s", len(pollers), names), "")
}

// checkAccounts asks the providers of all accounts, at the same time, and reads what they last said of their numbers.
func (d *diagnosis) checkAccounts(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	if err := openAccounts(ctx, p); err != nil {
		d.add("accounts", isFault, causeOf(err), "correct the variables of the accounts")
		return
	}
	all := p.accounts.List()
	if len(all) == 0 {
		d.add("accounts", isFault, "there is none, so no message can be sent", "make one in the console, or by POST /v1/accounts")
		return
	}
	names := make([]string, len(all))
	checked := make([]backstop.AccountCheck, len(all))
	var asking sync.WaitGroup
	for i, account := range all {
		names[i] = account.Name
		asking.Go(func() {
			var err error
			if checked[i], err = p.accounts.CheckAccount(ctx, account.Name); err != nil {
				checked[i] = backstop.AccountCheck{Result: backstop.CheckUnreachable, Reason: causeOf(err)}
			}
		})
	}
	asking.Wait()
	profiles, err := p.db.Profiles(ctx, names)
	if err != nil {
		d.add("accounts", isWarning, "the state of their numbers cannot be read: "+causeOf(err), "see the log of Postgres")
	}
	for i, account := range all {
		if d.checkAccount(account, checked[i]) {
			d.checkNumber(account.Name, profiles[account.Name])
		}
	}
}

// checkAccount adds what is known of an account, and reports whether it is in use and works.
func (d *diagnosis) checkAccount(a accounts.Open, check backstop.AccountCheck) bool {
	name := "account " + a.Name
	switch {
	case a.IsDisabled:
		d.add(name, isOK, "is disabled", "")
		return false
	case a.Fault != "":
		d.add(name, isFault, "cannot be opened: "+a.Fault, "correct it in the console")
		return false
	case check.Result == backstop.CheckRefused:
		for _, field := range check.Fields {
			d.add(name, isFault, field.Name+" "+field.Reason, "correct it, and check the account in the console")
		}
		return false
	case check.Result == backstop.CheckUnreachable:
		d.add(name, isFault, "its provider does not answer: "+check.Reason,
			"check the network, and the state page of the provider")
		return false
	case check.Result == backstop.CheckNotPossible:
		d.add(name, isOK, "can be opened; its provider offers no check", "")
	default:
		d.add(name, isOK, "its provider accepts the settings", "")
	}
	return true
}

// checkNumber adds what the provider of an account last said about its number.
func (d *diagnosis) checkNumber(account string, p backstop.AccountProfile) {
	name := "account " + account
	const nearLimit = 0.9
	most := p.RecipientLimit()
	switch {
	case p.Fault != "":
		d.add(name, isWarning, "the state of its number cannot be read: "+p.Fault, "check the rights of its access token")
	case p.ReadAt.IsZero():
		return // its provider reports none, or no process has asked yet
	case p.Status != "" && p.Status != backstop.NumberConnected:
		d.add(name, isFault, "its number is "+p.Status, "see the number in the console of its provider")
	case p.Quality == backstop.QualityRed:
		d.add(name, isWarning, "the quality of its number is red", "send fewer unwanted messages, or its limit falls")
	case most > 0 && p.Recipients != nil && float64(*p.Recipients) >= nearLimit*float64(most):
		text := fmt.Sprintf("it wrote to %d people in 24 hours, of %d that its messaging limit allows", *p.Recipients, most)
		d.add(name, isWarning, text, "ask the provider for a higher limit")
	default:
		text := fmt.Sprintf("its number is %s, quality %s, messaging limit %s", p.Status, p.Quality, p.MessagingLimit)
		d.add(name, isOK, text, "")
	}
}

// checkPublicURL asks the public address whether a Backstop answers there, and when its certificate ends.
func (d *diagnosis) checkPublicURL(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	public := strings.TrimSuffix(p.config.API.PublicURL, "/")
	const repair = "check DNS, the proxy and BACKSTOP_PUBLIC_URL; providers send receipts to it"
	var certificate *x509.Certificate
	for _, path := range []string{"/healthz", "/webhooks/doctor"} { // a proxy may let the webhooks pass alone
		isBackstop, found, err := askPublic(ctx, public+path)
		if err != nil {
			d.add("public address", isFault, fmt.Sprintf("%s cannot be reached from here: %v", public, err), repair)
			return
		}
		certificate = found
		if isBackstop {
			d.checkCertificate(p, public, certificate)
			return
		}
	}
	d.add("public address", isFault, public+" answers, but not as Backstop does", repair)
}

// askPublic reports whether Backstop answers at an address, and returns the certificate of the server, if there is one.
func askPublic(ctx context.Context, address string) (isBackstop bool, certificate *x509.Certificate, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return false, nil, fmt.Errorf("make request: %w", err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return false, nil, err //nolint:wrapcheck // it names the address
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, forwardLimit))
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		certificate = response.TLS.PeerCertificates[0]
	}
	isHealthy := response.StatusCode == http.StatusOK && strings.Contains(string(body), `"status"`)
	isProblem := strings.Contains(string(body), "urn:backstop:problem:")
	return response.Header.Get("X-Request-ID") != "" && (isHealthy || isProblem), certificate, nil
}

func (d *diagnosis) checkCertificate(p *program, public string, certificate *x509.Certificate) {
	const soon = 14 * 24 * time.Hour
	switch {
	case certificate == nil && p.accounts != nil && p.isSandbox():
		d.add("public address", isOK, public+" answers", "")
	case certificate == nil:
		d.add("public address", isWarning, public+" answers, without TLS",
			"put a proxy with TLS in front: most providers want https")
	case time.Until(certificate.NotAfter) < soon:
		text := fmt.Sprintf("the certificate of %s ends at %s", public, certificate.NotAfter.Format(time.RFC3339))
		d.add("public address", isWarning, text, "renew it")
	default:
		d.add("public address", isOK, fmt.Sprintf("%s answers; its certificate is valid until %s", public,
			certificate.NotAfter.Format(time.DateOnly)), "")
	}
}
