package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// A pooler such as PgBouncer, in transaction mode, gives a client another connection of Postgres for each transaction. So
// neither settings of a connection nor prepared statements last there, and a statement that was prepared could even be
// another client's. Behind one
//
//   - each transaction begins with its settings, which costs a round trip;
//   - a statement outside of a transaction is bounded by its context, instead of by statement_timeout;
//   - statements are planned with their values each time, so that enable_seqscan is not needed for them.

// sessionMark is a parameter that no Postgres has. A connection that shows the value which it was opened with is one of
// Postgres itself.
const sessionMark = "backstop.session"

const findMark = `SELECT COALESCE(current_setting($1, true), '') = $2`

// connectAny connects to Postgres, or to a pooler before it.
func (p *Pool) connectAny(ctx context.Context, maxConns int) error {
	config, mark := p.config.Clone(), rand.Text()
	config.Runtime[sessionMark] = mark
	err := p.connect(config, maxConns, "")
	if err != nil {
		return err
	}
	var isDirect bool
	err = p.db.GetContext(ctx, &isDirect, findMark, sessionMark, mark)
	if isDirect {
		return openFailed(ctx, p.readTimeout(ctx, timeoutSlack))
	}
	if err != nil && !refusesParameter(err) {
		return openFailed(ctx, err)
	}
	return errors.Join(p.db.Close(), p.connectBehindPooler(ctx, maxConns))
}

// refusesParameter reports whether a pooler did not take a parameter, which it says before it asks for a password.
func refusesParameter(err error) bool {
	if pq.As(err, pqerror.UndefinedObject) != nil {
		return true
	}
	refused := pq.As(err, pqerror.ProtocolViolation)
	return refused != nil && strings.Contains(refused.Message, "startup parameter")
}

func (p *Pool) connectBehindPooler(ctx context.Context, maxConns int) error {
	p.isBehindPooler = true
	config := p.config.Clone()
	clear(config.Runtime)
	if err := p.connect(config, maxConns, p.localSettings(nil)); err != nil {
		return err
	}
	if err := p.checkSettings(ctx); err != nil {
		return openFailed(ctx, err)
	}
	p.log.InfoContext(ctx, "a pooler is in front of postgres: settings are made per transaction, statements are not prepared")
	return nil
}

// localSettings returns the statements that make the limits hold in a transaction, with other values for some.
func (p *Pool) localSettings(other map[string]string) string {
	values := map[string]string{}
	for name := range limits() {
		values[name] = p.config.Runtime[name]
	}
	maps.Copy(values, other)
	var statements []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		statements = append(statements, "SET LOCAL "+name+" = "+pq.QuoteLiteral(values[name]))
	}
	return strings.Join(statements, "; ")
}

// timeoutSlack leaves the bounding of statements to Postgres, unless the network loses its word.
const timeoutSlack = 5 * time.Second

// readTimeout finds out how long a statement may take.
func (p *Pool) readTimeout(ctx context.Context, slack time.Duration) error {
	var milliseconds int64
	if err := p.db.GetContext(ctx, &milliseconds, parseTimeout, p.config.Runtime["statement_timeout"]); err != nil {
		return fmt.Errorf("read statement_timeout: %w", err)
	}
	if milliseconds > 0 {
		p.statementTimeout = time.Duration(milliseconds)*time.Millisecond + slack
	}
	return nil
}

const (
	// parseTimeout lets Postgres read what may be written as 10s, 500ms or 1min.
	parseTimeout = `SELECT (extract(epoch FROM set_config('statement_timeout', $1, true)::interval) * 1000)::int8`
	// tryParameter compares what a parameter is with what it is to be. It is changed for this statement only.
	tryParameter = `SELECT COALESCE(current_setting($1, true), '') = set_config($1, $2, true)`
)

// checkSettings finds out how long a statement may take, and whether the role has what the URL asks for: nothing else could
// make it hold.
func (p *Pool) checkSettings(ctx context.Context) error {
	if _, err := p.db.ExecContext(ctx, ping); err != nil {
		return err //nolint:wrapcheck // it says that there is no connection
	}
	if err := p.readTimeout(ctx, 0); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.config.Runtime)) {
		if _, isLimit := limits()[name]; isLimit {
			continue
		}
		var holds bool
		if err := p.db.GetContext(ctx, &holds, tryParameter, name, p.config.Runtime[name]); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if !holds {
			return fmt.Errorf("the pooler in front of postgres does not pass on %[1]s: take it out of the URL and set it"+
				" with ALTER ROLE %[2]s SET %[1]s", name, p.config.User)
		}
	}
	return nil
}

// bound bounds a statement by its context: later than Postgres does, or in its place.
func (p *Pool) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.statementTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, p.statementTimeout)
}

// isHopeless reports whether a pooler refused a connection for a reason that time does not mend. It reports all that it finds
// with one code, which is also that of a lost connection, so there are but its words.
func isHopeless(err error) bool {
	if _, ok := errors.AsType[*connectError](err); !ok {
		return false
	}
	refused := pq.As(err, pqerror.ProtocolViolation)
	return refused != nil && slices.ContainsFunc([]string{
		"startup parameter", "authentication failed", "no such user", "no such database", "does not exist",
	}, func(words string) bool { return strings.Contains(refused.Message, words) })
}
