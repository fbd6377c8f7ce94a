package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unlinted are the migrations from before the first release: no installation has large tables without them.
const unlinted = 28

// A migration runs while the previous release works on the same tables, which may have millions of rows. docs/migrations.md has the
// reasons of these rules.
func TestMigrations_lint(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("[0-9]*.sql")
	require.NoError(t, err)
	for _, name := range files {
		prefix, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(prefix)
		require.NoError(t, err)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if number > unlinted {
			require.Empty(t, lint(string(text)), name)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	const timeout = "SET LOCAL lock_timeout = '2s';\n"
	for name, c := range map[string]struct {
		migration string
		faults    []string
	}{
		"a new table": {
			"CREATE TABLE a (id uuid PRIMARY KEY, n integer CHECK (n > 0));\nCREATE INDEX a_n ON a (n);\nINSERT INTO a VALUES (1);", nil,
		},
		"a new column":                {timeout + "ALTER TABLE sends ADD COLUMN a integer, ADD COLUMN b text NOT NULL DEFAULT '';", nil},
		"no lock_timeout":             {"ALTER TABLE sends ADD COLUMN a integer;", []string{"lock_timeout"}},
		"a column without a default":  {timeout + "ALTER TABLE sends ADD COLUMN a integer NOT NULL;", []string{"NOT NULL without a DEFAULT"}},
		"a default per row":           {timeout + "ALTER TABLE sends ADD COLUMN a uuid DEFAULT gen_random_uuid();", []string{"rewrites"}},
		"a column with a check":       {timeout + "ALTER TABLE sends ADD COLUMN a integer CHECK (a > 0);", []string{"CHECK of a column"}},
		"a column with a foreign key": {timeout + "ALTER TABLE sends ADD COLUMN a uuid REFERENCES rules;", []string{"REFERENCES of a column"}},
		"a constraint that reads all": {timeout + "ALTER TABLE sends ADD CONSTRAINT c CHECK (a > 0);", []string{"NOT VALID"}},
		"a constraint of new rows":    {timeout + "ALTER TABLE sends ADD CONSTRAINT c CHECK (a > 0) NOT VALID;", nil},
		"validated in the same file": {
			timeout + "ALTER TABLE sends ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE sends VALIDATE CONSTRAINT c;",
			[]string{"a migration of its own"},
		},
		"validated alone":     {"ALTER TABLE sends VALIDATE CONSTRAINT c;", nil},
		"an index":            {timeout + "CREATE INDEX i ON sends (id);", []string{"CONCURRENTLY"}},
		"an index beside":     {"-- +goose NO TRANSACTION\nDROP INDEX CONCURRENTLY IF EXISTS i;\nCREATE INDEX CONCURRENTLY i ON sends (id);", nil},
		"an index half built": {"-- +goose NO TRANSACTION\nCREATE INDEX CONCURRENTLY i ON sends (id);", []string{"DROP INDEX CONCURRENTLY IF EXISTS i"}},
		"a type":              {timeout + "ALTER TABLE sends ALTER COLUMN text TYPE varchar(10);", []string{"rewrites"}},
		"not null":            {timeout + "ALTER TABLE sends ALTER COLUMN text SET NOT NULL;", []string{"SET NOT NULL"}},
		"a renamed column":    {timeout + "ALTER TABLE sends RENAME COLUMN a TO b;", []string{"previous release"}},
		"a dropped column":    {timeout + "ALTER TABLE sends DROP COLUMN a;", []string{"previous release"}},
		"a dropped table":     {timeout + "DROP TABLE sends;", []string{"previous release"}},
		"all rows":            {"UPDATE sends SET text = '';", []string{"batches"}},
		"said to be harmless": {timeout + "-- lint: the previous release does not read it\nALTER TABLE sends DROP COLUMN a;", nil},
		"in a function": {
			"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE sends SET a = 1; RETURN NEW; END $$;", nil,
		},
		"a trigger": {"CREATE TRIGGER t AFTER INSERT ON sends FOR EACH ROW EXECUTE FUNCTION f();", []string{"lock_timeout"}},
	} {
		faults := lint("-- +goose Up\n" + c.migration)
		require.Len(t, faults, len(c.faults), "%s: %q", name, faults)
		for i, want := range c.faults {
			require.Contains(t, faults[i], want, name)
		}
	}
}

// rule refuses statements that match the pattern, unless they match except.
type rule struct{ pattern, except, fault string }

func rules() []rule {
	return []rule{
		{`^ALTER TABLE.* ADD COLUMN [^,]*NOT NULL`, `DEFAULT`, "NOT NULL without a DEFAULT fails if the table has rows"},
		{`ADD COLUMN [^,]*DEFAULT (gen_random_uuid|random|clock_timestamp)`, ``, "a DEFAULT that differs per row rewrites the table"},
		{`ADD COLUMN [^,]*\bCHECK\b`, `ADD CONSTRAINT`, "a CHECK of a column reads all rows: ADD CONSTRAINT … NOT VALID"},
		{`ADD COLUMN [^,]*\bREFERENCES\b`, ``, "REFERENCES of a column locks both tables: ADD CONSTRAINT … NOT VALID"},
		{`ADD CONSTRAINT \S+ (CHECK|FOREIGN)`, `NOT VALID`, "a constraint without NOT VALID reads all rows under a lock"},
		{`ADD CONSTRAINT \S+ (UNIQUE|PRIMARY)`, `USING INDEX`, "make the unique index CONCURRENTLY, then ADD CONSTRAINT … USING INDEX"},
		{`^CREATE (UNIQUE )?INDEX`, `CONCURRENTLY`, "an index without CONCURRENTLY blocks all writes"},
		{`ALTER COLUMN \S+ (SET DATA )?TYPE`, ``, "a new type rewrites the table"},
		{`ALTER COLUMN \S+ SET NOT NULL`, ``, "SET NOT NULL reads all rows: add a CHECK … NOT VALID and validate it"},
		{`\bRENAME\b|\bDROP COLUMN\b|^DROP TABLE|^DROP FUNCTION`, ``, "the previous release still uses it: remove it one release later"},
		{`^(UPDATE|DELETE)`, ``, "changes of stored rows run in small batches, not in a migration"},
	}
}

var (
	newTables     = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
	changedTable  = regexp.MustCompile(`^(?:ALTER TABLE|DROP TABLE|UPDATE|DELETE FROM)(?: ONLY| IF EXISTS)? (\w+)|^CREATE .*(?:INDEX|TRIGGER).*? ON (\w+)`)
	dollarQuoted  = regexp.MustCompile(`(?s)\$(\w*)\$.*?\$(\w*)\$`)
	spaces        = regexp.MustCompile(`\s+`)
	explained     = regexp.MustCompile(`(?m)^-- lint: .+\n(--.*\n)*`)
	comments      = regexp.MustCompile(`--[^\n]*`)
	concurrentOne = regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?(\w+)`)
)

// lint returns what a migration must not do to a table that it has not made itself. A comment that begins with "lint:" before a
// statement explains why the statement is harmless, and exempts it.
func lint(migration string) (faults []string) {
	const exempt = " LINT-EXEMPT "
	text := explained.ReplaceAllString(migration, exempt)
	text = dollarQuoted.ReplaceAllString(comments.ReplaceAllString(text, ""), "''")
	var made []string
	for _, table := range newTables.FindAllStringSubmatch(text, -1) {
		made = append(made, table[1])
	}
	var changes, hasConstraint bool
	for statement := range strings.SplitSeq(text, ";") {
		statement = strings.TrimSpace(spaces.ReplaceAllString(statement, " "))
		body, isExempt := strings.CutPrefix(statement, strings.TrimSpace(exempt)+" ")
		of := changedTable.FindStringSubmatch(body)
		if of == nil || slices.Contains(made, of[1]+of[2]) {
			continue
		}
		if strings.Contains(body, "VALIDATE CONSTRAINT") && hasConstraint {
			faults = append(faults, "VALIDATE CONSTRAINT belongs in a migration of its own: here it reads all rows under the lock of ADD CONSTRAINT")
		}
		hasConstraint = hasConstraint || strings.Contains(body, "ADD CONSTRAINT")
		changes = changes || regexp.MustCompile(`^(ALTER TABLE|DROP TABLE|CREATE .*TRIGGER)`).MatchString(body) &&
			!strings.Contains(body, "VALIDATE")
		if index := concurrentOne.FindStringSubmatch(body); index != nil {
			drop := "DROP INDEX CONCURRENTLY IF EXISTS " + index[1]
			if !strings.Contains(text, drop) {
				faults = append(faults, "an attempt that failed leaves an invalid index: begin with "+drop)
			}
		}
		for _, r := range rules() {
			if !isExempt && regexp.MustCompile(r.pattern).MatchString(body) &&
				(r.except == "" || !regexp.MustCompile(r.except).MatchString(body)) {
				faults = append(faults, r.fault)
			}
		}
	}
	if changes && !strings.Contains(text, "SET LOCAL lock_timeout") {
		faults = append(faults, "begin with SET LOCAL lock_timeout, so that running programs do not queue behind a waiting lock")
	}
	return faults
}
