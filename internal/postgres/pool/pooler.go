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

// A pooler such as PgBouncer in transaction mode gives a client another connection to Postgres for each transaction. So the
// settings of a connection and its prepared statements are lost, and a prepared statement may even be that of another client.
// Behind a pooler
//
//   - each transaction begins with its settings, which costs a round trip;
//   - a statement outside of a transaction is bounded by its context, instead of by statement_timeout;
//   - statements are planned with their values each time.

// sessionMark is a parameter that Postgres does not define. A connection that returns the value set at its start leads to
// Postgres without a pooler.
const sessionMark = "backstop.session"

const findMark = `SELECT COALESCE(current_setting($1, true), '') = $2`

// connectAny connects to Postgres, directly or through a pooler.
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

// refusesParameter reports whether a pooler refused a parameter. A pooler does this before it asks for a password.
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

// localSettings returns the SET LOCAL statements of the limits. Values in other replace the configured ones.
func (p *Pool) localSettings(other map[string]string) string {
	values := map[string]string{}
	for name := range timeoutLimits() {
		values[name] = p.config.Runtime[name]
	}
	maps.Copy(values, other)
	var statements []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		statements = append(statements, "SET LOCAL "+name+" = "+pq.QuoteLiteral(values[name]))
	}
	return strings.Join(statements, "; ")
}

// timeoutSlack is how much later than Postgres the client ends a statement, in case the answer of Postgres is lost.
const timeoutSlack = 5 * time.Second

// readTimeout sets statementTimeout to the statement_timeout of the configuration, plus slack.
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
	// parseTimeout lets Postgres convert a value such as 10s, 500ms or 1min to milliseconds.
	parseTimeout = `SELECT (extract(epoch FROM set_config('statement_timeout', $1, true)::interval) * 1000)::int8`
	// tryParameter compares the current value of a parameter with the wanted one, which it sets for this statement only.
	tryParameter = `SELECT COALESCE(current_setting($1, true), '') = set_config($1, $2, true)`
)

// checkSettings reads the statement timeout, and checks that the role has the parameters of the URL. A pooler does not pass the
// parameters on.
func (p *Pool) checkSettings(ctx context.Context) error {
	if _, err := p.db.ExecContext(ctx, ping); err != nil {
		return err //nolint:wrapcheck // it says that there is no connection
	}
	if err := p.readTimeout(ctx, 0); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.config.Runtime)) {
		if _, isLimit := timeoutLimits()[name]; isLimit {
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
