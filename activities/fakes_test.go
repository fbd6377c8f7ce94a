package activities_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// answer is a provider's answer to a call.
type answer func(context.Context, backstop.Ref) (backstop.Submission, error)

// fails returns an answer with an error.
func fails(err error) answer {
	return func(context.Context, backstop.Ref) (backstop.Submission, error) { return backstop.Submission{}, err }
}

// meanwhile returns an answer that first calls a function, and then accepts the message.
func meanwhile(happens func()) answer {
	return func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
		happens()
		return backstop.Submission{MessageID: ref.String()}, nil
	}
}

// provider plays a script with an answer for each call. After the last answer it accepts every message.
type provider struct {
	mu       sync.Mutex
	script   []answer
	whatsapp []backstop.WhatsAppMessage
	sms      []backstop.SMSMessage
}

func (p *provider) answers(script ...answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = script
}

func (p *provider) calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.whatsapp) + len(p.sms)
}

func (p *provider) answer(ctx context.Context, ref backstop.Ref) (backstop.Submission, error) {
	p.mu.Lock()
	next := meanwhile(func() {})
	if len(p.script) > 0 {
		next, p.script = p.script[0], p.script[1:]
	}
	p.mu.Unlock()
	return next(ctx, ref)
}

type whatsapp struct{ *provider }

func (p whatsapp) SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error) {
	p.mu.Lock()
	p.whatsapp = append(p.whatsapp, m)
	p.mu.Unlock()
	return p.answer(ctx, m.Ref)
}

// sms sends by SMS. Several accounts may share a script.
type sms struct{ *provider }

func (p sms) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	p.mu.Lock()
	p.sms = append(p.sms, m)
	p.mu.Unlock()
	return p.answer(ctx, m.Ref)
}

// finder answers inquiries for the status of a message.
type finder func(backstop.Inquiry) (*backstop.Found, error)

func (f finder) Find(_ context.Context, q backstop.Inquiry) (*backstop.Found, error) { return f(q) }

// accounts are the configured accounts, by name. Like those of a real process, they may change between two calls.
type accounts struct {
	mu     sync.Mutex
	byName map[string]activities.Account
}

func newAccounts(list ...activities.Account) *accounts {
	a := &accounts{byName: map[string]activities.Account{}}
	for _, account := range list {
		a.byName[account.Name] = account
	}
	return a
}

func (a *accounts) Account(name string) (activities.Account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, found := a.byName[name]
	return account, found
}

func (a *accounts) DefaultAccount(channel backstop.Channel, _ string) string {
	return accountOf(channel)
}

func (a *accounts) change(name string, with func(*activities.Account)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account := a.byName[name]
	with(&account)
	a.byName[name] = account
}

func (a *accounts) add(account activities.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byName[account.Name] = account
}

func (a *accounts) remove(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byName, name)
}

var errAway = errors.New("postgres is away")

// times counts down. It is atomic, because a goroutine may store an end after its activity has returned.
type times struct{ left atomic.Int64 }

func (n *times) take() bool { return n.left.Add(-1) >= 0 }

// store simulates a Postgres that is away, or whose answers are lost.
type store struct {
	activities.Store

	beginLost  int    // how many calls are begun, with a lost answer
	beginAway  bool   // no call can be begun
	beginAgain bool   // the first answer of Begin is lost, and the store retries
	begun      func() // called when a call was begun
	endAway    times  // how many ends are not stored
	endLost    times  // how many ends are stored, with a lost answer
	stopAway   int    // how often StopWaiting fails

	unreadable string // why no content can be read

	owner backstop.Ref // the answer of Owner for every message; zero: the stored one
}

func (s *store) Ledger(ctx context.Context, send string) (*backstop.Ledger, error) {
	l, err := s.Store.Ledger(ctx, send)
	if err == nil {
		l.Send.Unreadable = s.unreadable
	}
	return l, err
}

func (s *store) Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	if s.beginAway {
		return backstop.Ruling{}, backstop.View{}, errAway
	}
	ruling, view, err := s.Store.Begin(ctx, send, c)
	if s.begun != nil {
		s.begun()
	}
	if s.beginLost > 0 {
		s.beginLost--
		return backstop.Ruling{}, backstop.View{}, errAway
	}
	if s.beginAgain {
		return s.Store.Begin(ctx, send, c)
	}
	return ruling, view, err
}

func (s *store) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	if ctx.Err() != nil {
		return backstop.Attempt{}, backstop.View{}, ctx.Err()
	}
	if s.endAway.take() {
		return backstop.Attempt{}, backstop.View{}, errAway
	}
	attempt, view, err := s.Store.End(ctx, send, e)
	if err == nil && s.endLost.take() {
		return backstop.Attempt{}, backstop.View{}, errAway
	}
	return attempt, view, err
}

func (s *store) StopWaiting(ctx context.Context, send string, step int) (backstop.View, error) {
	if ctx.Err() != nil {
		return backstop.View{}, ctx.Err()
	}
	if s.stopAway > 0 {
		s.stopAway--
		return backstop.View{}, errAway
	}
	return s.Store.StopWaiting(ctx, send, step)
}

func (s *store) Owner(ctx context.Context, of backstop.Receipt) (owner backstop.Ref, found bool, err error) {
	if s.owner != (backstop.Ref{}) {
		return s.owner, true, nil
	}
	return s.Store.Owner(ctx, of)
}
