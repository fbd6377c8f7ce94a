package main

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// say prints a line of progress.
type say func(format string, values ...any)

// serves is the number of Backstop processes.
const serves = 2

// The settings of a run. The waits are shorter than in production.
const (
	sandboxSpeed = 4
	callLength   = 4 * time.Second // the timeout of a provider call
	unknownWait  = 5 * time.Second
	receiptWait  = 15 * time.Second // for the receipt of an SMS

	readyTimeout = 60 * time.Second
)

// stack is an installation of Backstop, with its servers, providers and load balancer.
type stack struct {
	folder   string
	postgres *server
	temporal *server
	sandbox  *child
	boxURL   string
	front    *front
	serves   []*serve
	api      *api
	env      map[string]string // the configuration of Backstop

	toPostgres, toTemporal []*wire // one for each Backstop process
	clock                  string  // the folder of wrongClock; empty if the clock is right
	http                   *http.Client
}

// startStack starts an installation on empty data. If it fails, it stops everything that it has started.
func startStack(
	ctx context.Context, f flags, t trial, folder string, skew time.Duration, say say,
) (_ *stack, err error) {
	s := &stack{folder: folder, http: &http.Client{Timeout: callTimeout}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err := os.MkdirAll(filepath.Join(folder, "logs"), 0o755); err != nil { //nolint:gosec // Postgres runs as another user
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if s.postgres, err = startServer(ctx, f, "postgres", folder, s.skewedEnv(skew, say), say); err != nil {
		return nil, err
	}
	if s.temporal, err = startServer(ctx, f, "temporal", folder, nil, say); err != nil {
		return nil, err
	}
	if err := s.startAround(ctx, f, t); err != nil {
		return nil, err
	}
	if err := s.startServes(ctx, say); err != nil {
		return nil, err
	}
	return s, s.makeAccounts(ctx)
}

// skewedEnv returns the environment in which Postgres has a wrong clock. Without faketime the clock stays right.
func (s *stack) skewedEnv(skew time.Duration, say say) []string {
	if skew == 0 {
		return nil
	}
	folder, err := wrongClock(skew)
	if err != nil {
		say("the clock of Postgres stays right: %v", err)
		return nil
	}
	s.clock = folder
	say("the clock of Postgres is wrong by %s", skew.Round(time.Second))
	return []string{"PATH=" + folder + string(os.PathListSeparator) + os.Getenv("PATH")}
}

// startAround starts the simulated providers and the load balancer, and makes the configuration of Backstop.
func (s *stack) startAround(ctx context.Context, f flags, t trial) error {
	addresses, err := freePorts(ctx, serves+1)
	if err != nil {
		return err
	}
	own, box := addresses[:serves], addresses[serves]
	s.serves = t.planServes(f, own)
	if s.front, err = startFront(ctx, own); err != nil {
		return err
	}
	s.env = map[string]string{
		"BACKSTOP_PUBLIC_URL": s.front.url, "BACKSTOP_API_KEY": cryptorand.Text(), "BACKSTOP_LOG_LEVEL": "info",
		"BACKSTOP_META_THROUGHPUT": "9999",
		"BACKSTOP_META_BASE_URL":   "http://" + box, "BACKSTOP_META_PHONE_NUMBER_ID": firstNumber,
		"BACKSTOP_META_ACCESS_TOKEN": cryptorand.Text(), "BACKSTOP_META_APP_SECRET": cryptorand.Text(),
		"BACKSTOP_META_VERIFY_TOKEN": cryptorand.Text(), "BACKSTOP_META_TIMEOUT": callLength.String(),
		"BACKSTOP_TWILIO_BASE_URL":    "http://" + box,
		"BACKSTOP_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "BACKSTOP_TWILIO_AUTH_TOKEN": cryptorand.Text(),
		"BACKSTOP_TWILIO_TIMEOUT": callLength.String(),
		"BACKSTOP_UNKNOWN_WAIT":   unknownWait.String(), "BACKSTOP_SMS_RECEIPT_WAIT": receiptWait.String(),
		"BACKSTOP_SANDBOX_LISTEN": box, "BACKSTOP_SANDBOX_SPEED": strconv.Itoa(sandboxSpeed),
		"BACKSTOP_SANDBOX_META_NUMBERS": secondNumber, "BACKSTOP_KEYRING": newKeyring(),
	}
	s.boxURL = "http://" + box
	if s.sandbox, err = startChild(s.logPath("sandbox"), environList(s.env), false, f.program, "sandbox"); err != nil {
		return err
	}
	if err := s.waitOK(ctx, s.boxURL+"/healthz"); err != nil {
		return err
	}
	s.api = newAPI(s.front.url, s.env["BACKSTOP_API_KEY"])
	return nil
}

// newKeyring returns a keyring with one random key, for the secrets of the stored accounts.
func newKeyring() string {
	key := make([]byte, 32)
	_, _ = cryptorand.Read(key) // it never fails
	return "chaos:" + base64.StdEncoding.EncodeToString(key)
}

// migrate runs the migrations of a program.
func (s *stack) migrate(ctx context.Context, program string) error {
	migration, err := startChild(s.logPath("migrate"), environList(s.env), false, program, "migrate")
	if err != nil {
		return err
	}
	select {
	case <-migration.Ended():
		if err := migration.Err(); err != nil {
			return fmt.Errorf("migrate: %w; see %s", err, s.logPath("migrate"))
		}
		return nil
	case <-ctx.Done():
		migration.kill()
		return ctx.Err()
	}
}

// startServes migrates the database and starts the Backstop processes.
func (s *stack) startServes(ctx context.Context, say say) error {
	s.env["BACKSTOP_DATABASE_URL"] = s.postgres.address()
	if err := s.migrate(ctx, s.serves[0].program); err != nil {
		return err
	}
	for _, one := range s.serves {
		if one.isLater {
			continue
		}
		if err := s.startServe(ctx, one, say); err != nil {
			return err
		}
	}
	return nil
}

// startServe starts a Backstop process with wires of its own to Postgres and Temporal, and waits until its API is ready.
func (s *stack) startServe(ctx context.Context, one *serve, say say) error {
	database, err := url.Parse(s.postgres.address())
	if err != nil {
		return fmt.Errorf("read address of postgres: %w", err)
	}
	postgres, err := newWire(ctx, database.Host)
	if err != nil {
		return err
	}
	s.toPostgres = append(s.toPostgres, postgres)
	temporal, err := newWire(ctx, s.temporal.address())
	if err != nil {
		return err
	}
	s.toTemporal = append(s.toTemporal, temporal)
	database.Host = postgres.address()
	own := map[string]string{"BACKSTOP_DATABASE_URL": database.String(), "BACKSTOP_TEMPORAL_ADDRESS": temporal.address()}
	if one.address != "" {
		own["BACKSTOP_LISTEN"] = one.address
	}
	one.start(append(environList(s.env), environList(own)...), s.logPath(one.name), say)
	if one.address == "" {
		return nil
	}
	return s.waitOK(ctx, "http://"+one.address+"/readyz")
}

// retargetWires connects the wires to the current addresses of the servers. A restarted server may have another port.
func (s *stack) retargetWires() {
	if database, err := url.Parse(s.postgres.address()); err == nil {
		for _, w := range s.toPostgres {
			w.setTarget(database.Host)
		}
	}
	for _, w := range s.toTemporal {
		w.setTarget(s.temporal.address())
	}
}

// waitReady waits until every Backstop process is ready after the last fault.
func (s *stack) waitReady(ctx context.Context) error {
	for _, one := range s.listening() {
		if err := s.waitOK(ctx, "http://"+one.address+"/readyz"); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// listening returns the processes that run and have an API.
func (s *stack) listening() []*serve {
	return slices.DeleteFunc(slices.Clone(s.serves), func(one *serve) bool { return one.address == "" || !one.isRunning() })
}

func (s *stack) waitOK(ctx context.Context, address string) error {
	for deadline := time.Now().Add(readyTimeout); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		response, err := s.http.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("HTTP %d", response.StatusCode)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %s: %w", readyTimeout, err)
		}
		if !sleepFor(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// providerCalls returns all calls to the simulated providers, by phone number.
func (s *stack) providerCalls(ctx context.Context) (map[string][]call, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.boxURL+"/messages", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	defer response.Body.Close()
	var all []call
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	byNumber := map[string][]call{}
	for _, c := range all {
		byNumber[c.To] = append(byNumber[c.To], c)
	}
	return byNumber, nil
}

func (s *stack) logPath(name string) string { return filepath.Join(s.folder, "logs", name+".log") }

// stop stops everything: the Backstop processes first, the servers last.
func (s *stack) stop() {
	var ending sync.WaitGroup
	for _, one := range s.serves {
		ending.Go(one.stop)
	}
	ending.Wait()
	if s.front != nil {
		s.front.close()
	}
	for _, w := range append(s.toPostgres, s.toTemporal...) {
		w.close()
	}
	if s.sandbox != nil {
		ending.Go(s.sandbox.stop)
	}
	for _, one := range []*server{s.temporal, s.postgres} {
		if one != nil {
			ending.Go(one.stop)
		}
	}
	ending.Wait()
	if s.clock != "" {
		_ = os.RemoveAll(s.clock) // a few links in the temporary folder
	}
}

func environList(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// ports is the next port to use. Each port is used only once, because runs may start in parallel.
var ports = struct { //nolint:gochecknoglobals // all runs of this process share the machine's
	sync.Mutex

	next int
}{next: firstPort + rand.IntN((lastPort-firstPort)/2)} //nolint:gosec // not a secret

// The ports are below the ranges that operating systems use for outgoing connections, so a restarted process finds its
// port free.
const firstPort, lastPort = 20_000, 32_000

// freePorts returns addresses that no process listens on.
func freePorts(ctx context.Context, count int) ([]string, error) {
	ports.Lock()
	defer ports.Unlock()
	var addresses []string
	for ; ports.next < lastPort && len(addresses) < count; ports.next++ {
		address := fmt.Sprintf("127.0.0.1:%d", ports.next)
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err == nil && listener.Close() == nil {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) < count {
		return nil, errors.New("find free ports: there are none")
	}
	return addresses, nil
}
